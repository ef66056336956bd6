"""Every frame of a video, once, with its true time: one ffmpeg process, one pipe.

ffmpeg turns the picture upright, keeps one size and one pixel layout (planar 4:2:0, 8 bit, limited range) and passes
every frame through; the ``showinfo`` filter of the same run reports each frame's presentation time. What the decoder
complains about is counted and kept, and what the file promises but does not hold becomes a missing range.

Where the configuration asks for it, the GPU decodes (:mod:`roundel.media.nvdec`) and the rest is the same.

The decoder gets one thread, and so does what writes its pictures: with more, the concealment of damaged pictures
differs from run to run (docs/adr/0002).
"""

from __future__ import annotations

import contextlib
import fcntl
import queue
import re
import select
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from roundel import cuda
from roundel.config import MediaConfig
from roundel.errors import MediaError, MediaLimitError, StallError
from roundel.media import nvdec
from roundel.media.colour import is_rgb, matrix_of
from roundel.media.coverage import CoverageMeter
from roundel.media.probe import file_url, plain_name
from roundel.media.process import UNTRUSTED, limits, program
from roundel.sandbox import Child
from roundel.types import Coverage, Frame, FrameRef, MediaInfo, Timestamp

PIPE_BYTES = 1024 * 1024
_TIME = re.compile(
    r"^\[Parsed_showinfo_\d+ @ 0x[0-9a-f]+\] \[info\] n: *\d+ pts: *(-?\d+|NOPTS) .* fmt:(\w+) (?:.* )?s:(\d+x\d+) "
)
_TIME_BASE = re.compile(r"^\[Parsed_showinfo_\d+ @ 0x[0-9a-f]+\] \[info\] config in time_base: (\d+/\d+)")
_TROUBLE = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic)\] (?!.*increasing dts to muxer)(.*)$")
_TOLD_TO_END = re.compile(r"^\[info\] Exiting normally, received signal (\d+)")
_CORRUPT = re.compile(r"^\[warning\] .*: (corrupt (?:input packet|decoded frame) in stream)")


def ffmpeg_arguments(path: Path, info: MediaInfo, config: MediaConfig, on_gpu: bool = False) -> list[str]:
    """The full command that decodes a video, built by ffmpeg-python."""
    scale: dict[str, str | int] = {"w": info.width, "h": info.height, "out_range": "limited"}
    scale["in_range"] = "full" if info.colour.range_from_header == "pc" or is_rgb(info) else "limited"
    if is_rgb(info):
        scale["out_color_matrix"] = "bt709"
    # Frames from the GPU are copied to the memory at once: what follows is the same for both decoders.
    source = {"max_pixels": config.max_pixels, "threads": 1, **({"hwaccel": "cuda"} if on_gpu else {}), **UNTRUSTED}
    stream = ffmpeg.input(file_url(path), **source)[str(info.stream_index)]
    stream = stream.filter("showinfo", checksum=0).filter("scale", **scale).filter("format", "yuv420p")
    stream = stream.output("pipe:1", format="rawvideo", threads=1, fps_mode="passthrough", copyts=None)
    quiet = ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+level+info"]
    command: list[str] = ffmpeg.compile(stream, cmd=program(config.ffmpeg))
    return [command[0], *quiet, *command[1:]]


class _NotOnGpuError(Exception):
    """The GPU gives no frame of a video."""


class VideoDecoder:
    """Iterate over it once for the frames; :attr:`coverage` is complete after the last one."""

    def __init__(self, path: Path, info: MediaInfo, config: MediaConfig) -> None:
        self._path, self._info, self._config = path, info, config
        self._begin()

    def _begin(self) -> None:
        self._times: queue.SimpleQueue[tuple[int | None, str, str]] = queue.SimpleQueue()
        self._time_base = self._info.time_base
        self._meter = CoverageMeter(self._info)
        self._signal: int | None = None

    @property
    def coverage(self) -> Coverage:
        """What was read of the video so far."""
        return self._meter.result()

    def _on_line(self, line: str) -> None:
        if match := _TIME.match(line):
            self._times.put((None if match[1] == "NOPTS" else int(match[1]), match[2], match[3]))
        elif match := _TIME_BASE.match(line):
            self._time_base = Fraction(match[1])
        elif match := _TROUBLE.match(line) or _CORRUPT.match(line):
            self._meter.complain(match[1])
        elif match := _TOLD_TO_END.match(line):
            self._signal = int(match[1])

    def __iter__(self) -> Iterator[Frame]:
        """Decode.

        Raises:
            MediaError: if not a single frame can be decoded, or the GPU is asked for and cannot decode it.
            MediaLimitError: if the video is longer than allowed.
            StallError: if the decoder makes no progress, or is ended from outside.
            MissingProgramError: if the GPU is asked for and there is none.
        """
        if nvdec.is_used(self._config):
            refused = f"the GPU cannot decode this video ({self._info.codec}, {self._info.pixel_format})"
            try:
                if not nvdec.takes(self._info):
                    raise _NotOnGpuError("only 4:2:0 is given to it")
                yield from self._decode(on_gpu=True)
                return
            except _NotOnGpuError as error:
                if self._config.hwaccel == "cuda":
                    raise MediaError(f"{self._path}: {refused}: {error}; set media.hwaccel to auto") from error
                self._begin()
                self._meter.warn(f"{refused}; the processor did")
        yield from self._decode(on_gpu=False)

    def _decode(self, on_gpu: bool) -> Iterator[Frame]:
        with plain_name(self._path) as plain:
            child = Child(
                ffmpeg_arguments(plain, self._info, self._config, on_gpu),
                limits(self._config),
                [self._path, *(cuda.library_folders() if on_gpu else ())],
                self._on_line,
                variables=nvdec.variables() if on_gpu else {},
                devices=cuda.device_files() if on_gpu else (),
            )
            assert child.process.stdout is not None
            with contextlib.suppress(OSError):
                fcntl.fcntl(child.process.stdout, getattr(fcntl, "F_SETPIPE_SZ", 1031), PIPE_BYTES)
            try:
                yield from self._read(child.process.stdout, on_gpu)
                status = child.wait()
            finally:
                child.stop()
        if status < 0:
            raise StallError(
                f"{self._path}: signal {-status} ended the decoder after frame {self._meter.frames}, perhaps for "
                "want of memory or processor time (media.memory_bytes, media.cpu_seconds); free some and run again"
            )
        if self._signal is not None:  # it obeys in good order, after whole frames: the rest would seem not to be there
            raise StallError(
                f"{self._path}: the decoder was told to end (signal {self._signal}) after frame {self._meter.frames}, "
                "as when a machine or a queue stops all that runs; run again"
            )
        if status != 0:
            self._meter.complain(f"the decoder ended with status {status}")
        if self._meter.frames == 0:
            said = self._meter.result().decoder_messages or ("the decoder gives no reason",)
            if on_gpu:
                raise _NotOnGpuError(said[0])
            raise MediaError(
                f"{self._path}: not one frame could be decoded ({said[-1]}); "
                "compare its hash with where it came from, it may be incomplete"
            )

    def _read(self, stream: IO[bytes], on_gpu: bool) -> Iterator[Frame]:
        info, matrix = self._info, matrix_of(self._info)
        size = info.width * info.height + 2 * ((info.width + 1) // 2) * ((info.height + 1) // 2)
        while True:
            buffer = np.empty(size, np.uint8)
            got = self._fill(stream, buffer)
            if got < size:
                if got:
                    self._meter.complain("the last frame is incomplete")
                return
            at = self._next_time(on_gpu)
            self._meter.add(at)
            self._enforce_limits()
            yield Frame(FrameRef(self._meter.frames - 1, at), info.width, info.height, buffer, matrix)

    def _fill(self, stream: IO[bytes], buffer: NDArray[np.uint8]) -> int:
        view, got = memoryview(buffer.data), 0
        while got < len(view):
            if not select.select([stream], [], [], self._config.stall_seconds)[0]:
                raise StallError(
                    f"{self._path}: the decoder gave no frame for {self._config.stall_seconds:g} s after frame "
                    f"{self._meter.frames}; it was stopped (media.stall_seconds in the configuration)"
                )
            count: int = stream.readinto(view[got:])  # type: ignore[attr-defined]
            if count == 0:
                break
            got += count
        return got

    def _next_time(self, on_gpu: bool) -> Timestamp:
        try:
            pts, pixel_format, size = self._times.get(timeout=self._config.stall_seconds)
        except queue.Empty:
            raise MediaError(f"{self._path}: the decoder gave frame {self._meter.frames} without a time") from None
        if on_gpu and pixel_format not in nvdec.FRAME_FORMATS:
            self._note_processor(pixel_format)
        if size != f"{self._info.width}x{self._info.height}":
            self._meter.warn(f"the picture size changes to {size}; such frames are scaled to the first size")
        if pts is None:
            self._meter.warn("frames without a time got the next expected one")
            return self._meter.expected(self._time_base)
        return Timestamp(pts, self._time_base)

    def _note_processor(self, pixel_format: str) -> None:
        """A frame did not come from the GPU, although it was to.

        Raises:
            _NotOnGpuError: if it is the first.
            MediaError: if no other decoder is allowed.
        """
        frame = self._meter.frames
        if frame == 0:
            raise _NotOnGpuError(f"ffmpeg gives {pixel_format} from the processor")
        if self._config.hwaccel == "cuda":
            raise MediaError(
                f"{self._path}: the GPU cannot decode this video from frame {frame} on; set media.hwaccel to auto"
            )
        self._meter.warn("the GPU cannot decode all of this video; the processor decoded the rest")

    def _enforce_limits(self) -> None:
        config, meter = self._config, self._meter
        if meter.frames > config.max_frames or meter.elapsed_seconds > config.max_duration_seconds:
            raise MediaLimitError(
                f"{self._path}: goes on after {meter.frames:,} frames and {meter.elapsed_seconds:,.0f} s, "
                "over the limit (media.max_frames, media.max_duration_seconds in the configuration)"
            )
