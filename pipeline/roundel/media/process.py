"""The ffmpeg programs: where they are, which they are, and what every call of them must say."""

from __future__ import annotations

import functools
import shutil

from roundel.config import MediaConfig
from roundel.errors import MissingProgramError
from roundel.sandbox import Limits, run

SECONDS_TO_ANSWER = 30.0
# Real containers only: a playlist or script among them would make ffmpeg open other files.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,"
    "flv,asf,ogg,gif,mxf,dv,rm,nut,ivf,wtv,obu"
)
UNTRUSTED = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}


def program(name: str) -> str:
    """The absolute path of ffmpeg or ffprobe.

    Raises:
        MissingProgramError: with what to type.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingProgramError(
            f"{name} is not installed. On Debian or Ubuntu: sudo apt-get install ffmpeg; on Fedora: sudo dnf install "
            "ffmpeg; on macOS: brew install ffmpeg."
        )
    return path


@functools.cache
def ffmpeg_version(name: str) -> str:
    """The version of an ffmpeg program, such as ``5.1.9-0+deb12u1``, asked in the sandbox that it will work in.

    Raises:
        MissingProgramError: if there is no such program or it cannot be run there.
    """
    done = run([program(name), "-version"], limits(MediaConfig()), SECONDS_TO_ANSWER)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise MissingProgramError(f"{program(name)}: does not answer to -version ({said[0]}); install ffmpeg again")
    words = done.stdout.decode("utf-8", "replace").split()
    return words[2] if len(words) > 2 and words[0].startswith("ff") else "unknown"


def limits(config: MediaConfig) -> Limits:
    """What a decoding process may use."""
    return Limits(config.memory_bytes, config.cpu_seconds)
