"""Decoding on the GPU (NVDEC, through ffmpeg): whether it can be had, and how to tell that it really was.

ffmpeg falls back to the processor without a word when the GPU cannot decode a stream. But the GPU gives luma and chroma
in two planes, which no software decoder of these codecs does: the pixel format of each frame tells who decoded it.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from roundel import cuda
from roundel.config import MediaConfig
from roundel.errors import MissingProgramError
from roundel.media.process import SECONDS_TO_ANSWER, limits, program
from roundel.sandbox import confinement, run
from roundel.types import MediaInfo

FRAME_FORMATS = frozenset({"nv12", "p010le", "p016le"})
"""Pixel formats of frames from the GPU, for 8, 10 and 12 bits of 4:2:0."""
STREAM_FORMATS = frozenset({"yuv420p", "yuvj420p", "yuv420p10le", "yuv420p12le"})
"""Pixel formats of streams that are given to the GPU: 4:2:0, as nearly all video is. Of others one could not tell."""


def require(config: MediaConfig) -> None:
    """Check that ffmpeg and the driver can decode on a GPU.

    Raises:
        MissingProgramError: if not, with what to do.
    """
    otherwise = "or set media.hwaccel to auto or off"
    try:
        cuda.driver()
    except MissingProgramError as error:
        raise MissingProgramError(f"media.hwaccel cuda: {error}; {otherwise}") from error
    if not cuda.decodes_video():
        raise MissingProgramError(
            f"media.hwaccel cuda: the driver's video decoder ({cuda.VIDEO_LIBRARY}) is missing; a container needs "
            f"NVIDIA_DRIVER_CAPABILITIES=compute,utility,video; {otherwise}"
        )
    if "cuda" not in hwaccels(config.ffmpeg):
        raise MissingProgramError(
            f"media.hwaccel cuda: {program(config.ffmpeg)} was built without CUDA (ffmpeg -hwaccels does not list it); "
            f"install a build with it, {otherwise}"
        )


def is_used(config: MediaConfig) -> bool:
    """Whether videos are decoded on the GPU, as far as it can decode them.

    Raises:
        MissingProgramError: if it is asked for and cannot be had.
    """
    if config.hwaccel == "off":
        return False
    try:
        require(config)
    except MissingProgramError:
        if config.hwaccel == "cuda":
            raise
        return False
    return True


def decoder_name(config: MediaConfig) -> str:
    """Who decodes, for the result.

    Raises:
        MissingProgramError: if the GPU is asked for and cannot be had.
    """
    if not is_used(config):
        return "ffmpeg"
    return (
        "ffmpeg, NVDEC (cuda)" if config.hwaccel == "cuda" else "ffmpeg, NVDEC (cuda) unless a warning says otherwise"
    )


def takes(info: MediaInfo) -> bool:
    """Whether a stream is given to the GPU at all. What its codec may be, only the GPU knows."""
    return info.pixel_format in STREAM_FORMATS


@functools.cache
def hwaccels(name: str) -> tuple[str, ...]:
    """The kinds of hardware that an ffmpeg program was built for."""
    done = run([program(name), "-hide_banner", "-hwaccels"], limits(MediaConfig()), SECONDS_TO_ANSWER)
    return tuple(done.stdout.decode("utf-8", "replace").split()[3:])


def devices(config: MediaConfig) -> tuple[Path, ...]:
    """The device files that decoders use under this configuration.

    Raises:
        MissingProgramError: if the GPU is asked for and cannot be had.
    """
    return cuda.device_files() if is_used(config) else ()


def kept_from(config: MediaConfig) -> dict[str, object]:
    """What decoders are kept from under this configuration, and what they may do for a GPU, for the custody log."""
    return confinement(devices(config))


def variables() -> dict[str, str]:
    """The environment of a decoding process that uses CUDA: this process's device, and no files written."""
    chosen = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES",) if name in os.environ}
    return {**chosen, "CUDA_CACHE_DISABLE": "1"}
