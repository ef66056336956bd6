"""What the container says, read by ffprobe without decoding anything."""

from __future__ import annotations

import json
import math
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from roundel.config import MediaConfig
from roundel.errors import MediaError, MediaLimitError, StallError
from roundel.media.identity import require_file
from roundel.media.process import UNTRUSTED, limits, program
from roundel.sandbox import run
from roundel.types import Colour, MediaInfo
from roundel.words import shorten

HDR_TRANSFERS = {"smpte2084", "arib-std-b67"}
MOST_REASON = 200
"""Characters of what ffprobe says about a file: some of its messages repeat what stands in the file."""
SHOWN = (
    "format=format_name,start_time,duration",
    "stream=index,codec_type,codec_name,width,height,pix_fmt,field_order,sample_aspect_ratio,color_range,color_space,"
    "color_primaries,color_transfer,start_time,duration,nb_frames,avg_frame_rate,r_frame_rate,time_base",
    "stream_disposition=default,attached_pic",
    "stream_tags=DURATION",
    "stream_side_data=rotation",
)
"""What ffprobe is to print: no other tags, of which a file may hold any number."""
_RATIO = re.compile(r"([0-9]{1,18})/([0-9]{1,18})")


def file_url(path: Path) -> str:
    """The path as ffmpeg must get it, so that no name is taken for an option, a pattern or another protocol."""
    return f"file:{path.absolute()}"


@contextmanager
def plain_name(path: Path) -> Iterator[Path]:
    """A path to the file without control characters, through a link if need be.

    ffmpeg repeats the name in its messages: a name with a line break in it could pass for the time of a frame.
    """
    if str(path.absolute()).isprintable():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="roundel-") as folder:
        link = Path(folder) / f"video{path.suffix if path.suffix.isprintable() else ''}"
        link.symlink_to(path.absolute())
        yield link


def _fraction(text: str | None) -> Fraction | None:
    match = _RATIO.fullmatch(text or "")
    return Fraction(int(match[1]), int(match[2])) if match and int(match[1]) and int(match[2]) else None


def _seconds(*texts: str | None) -> float | None:
    for text in texts:
        if not text or text == "N/A":
            continue
        try:
            if ":" in text:
                hours, minutes, seconds = text.split(":")
                value = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            else:
                value = float(text)
        except (ValueError, OverflowError):
            continue
        if math.isfinite(value):
            return value
    return None


def _stated(stream: dict[str, Any], key: str) -> str | None:
    value = stream.get(key)
    return None if value in {None, "unknown", "unspecified", "reserved"} else str(value)


def _rotation(stream: dict[str, Any]) -> int:
    """Degrees clockwise, from the display matrix (counter-clockwise in ffprobe)."""
    for entry in stream.get("side_data_list", []):
        if "rotation" in entry:
            return round(-float(entry["rotation"])) % 360
    return 0


def _size(stream: dict[str, Any]) -> tuple[int, int]:
    return int(stream.get("width", 0)), int(stream.get("height", 0))


def _main_stream(streams: list[dict[str, Any]], path: Path) -> dict[str, Any]:
    pictures = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic")
    ]
    if not pictures:
        kinds = sorted({str(stream.get("codec_type", "unknown")) for stream in streams}) or ["nothing"]
        raise MediaError(
            f"{path}: has no video stream (it holds: {', '.join(kinds)}); give a file with moving pictures"
        )
    return max(
        pictures,
        key=lambda s: (s.get("disposition", {}).get("default", 0), math.prod(_size(s)), -s["index"]),
    )


def _warnings(stream: dict[str, Any], colour: Colour, rotation: int, pictures: int) -> tuple[str, ...]:
    found = []
    if pictures > 1:
        found.append(f"the file has {pictures} video streams; stream {stream['index']} is analysed")
    if stream.get("field_order", "progressive") not in {"progressive", "unknown"}:
        found.append("the picture is interlaced and is analysed without de-interlacing")
    if stream.get("sample_aspect_ratio", "1:1") not in {"1:1", "0:1"}:
        found.append(f"pixels are not square ({stream['sample_aspect_ratio']}); positions are in stored pixels")
    if colour.transfer_from_header in HDR_TRANSFERS:
        found.append("high dynamic range is shown without tone mapping: pictures look flat")
    if rotation % 90:
        found.append(f"the file asks for a rotation by {rotation}°, which no camera writes")
    return tuple(found)


def _duration(stream: dict[str, Any], container: dict[str, Any], start: float) -> float | None:
    """Seconds of picture that the header promises, counted from ``start``."""
    tags = {key.upper(): value for key, value in stream.get("tags", {}).items()}
    stated = _seconds(stream.get("duration"), tags.get("DURATION"), container.get("duration"))
    kind, frames = str(container.get("format_name")), stream.get("nb_frames", "")
    if stated is not None and "matroska" in kind and 0 < start < stated:
        return round(stated - start, 6)  # writers put the end of the last frame there
    rate = _fraction(stream.get("avg_frame_rate"))
    if kind == "avi" and rate and frames.isdigit():
        return max(stated or 0.0, round(int(frames) / float(rate), 6))  # ffprobe shortens a truncated file
    return stated


def _hidden_frames(stream: dict[str, Any], container: dict[str, Any], duration: float | None) -> Iterator[str]:
    """Frames of an mp4 or mov file that its edit list leaves out: players do not show them, and neither is analysed."""
    rate, frames = _fraction(stream.get("avg_frame_rate")), stream.get("nb_frames", "")
    if rate is None or duration is None or not frames.isdigit() or "mov" not in str(container.get("format_name")):
        return
    hidden = int(frames) - round(duration * rate)
    if hidden > 2 and hidden > rate / 10:
        yield f"an edit list hides about {hidden} of the {frames} frames in the file; they are not analysed"


ENDED_FROM_OUTSIDE = frozenset(-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
"""Return codes that say nothing about the file: a crash of the program itself is none of them."""


def probe(path: Path, config: MediaConfig) -> MediaInfo:
    """Read the header of a video file.

    Raises:
        MediaError: if it is no file, or no video that can be read, with the reason ffprobe gives.
        MediaLimitError: if it asks for more than the configuration allows.
        StallError: if ffprobe is killed from outside: nothing is known of the file then.
    """
    arguments = [program(config.ffprobe), "-v", "error", "-of", "json", "-show_entries", ":".join(SHOWN)]
    arguments += [part for key, value in UNTRUSTED.items() for part in (f"-{key}", value)]
    require_file(path)
    with plain_name(path) as plain:
        done = run([*arguments, "-i", file_url(plain)], limits(config), config.probe_seconds, [path])
    if done.timed_out:
        raise MediaLimitError(f"{path}: the header could not be read within {config.probe_seconds:g} s")
    if done.returncode in ENDED_FROM_OUTSIDE:
        raise StallError(
            f"{path}: signal {-done.returncode} ended the program that reads headers, perhaps for want of memory or "
            "processor time, or because a machine or a queue stops all that runs; run again"
        )
    if done.returncode != 0:
        raise MediaError(f"{path}: is no video that can be read: {_reason(done.stderr)}")
    return media_info(done.stdout, path, config)


def _reason(stderr: str) -> str:
    if "whitelist" in stderr.lower():
        return "its content is not one of the video containers that are opened (playlists and scripts never are)"
    lines = [line for line in stderr.splitlines() if line.strip()]
    cleaned = [line.split("] ", 1)[-1] if line.startswith("[") else line for line in lines]
    reason = next((line for line in cleaned if not line.startswith("file:")), "its content is not recognised")
    return f"{shorten(reason.strip(), MOST_REASON)}; compare its hash with where it came from, it may be incomplete"


def media_info(printed: bytes, path: Path, config: MediaConfig) -> MediaInfo:
    """What ffprobe has printed about a file (JSON).

    Raises:
        MediaError: if it says nothing of moving pictures, or nothing that can be understood.
        MediaLimitError: if the file asks for more than the configuration allows.
    """
    try:
        found: dict[str, Any] = json.loads(printed)
        return _media_info(path, found, _main_stream(found["streams"], path), config)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise MediaError(
            f"{path}: is no video that can be read: what ffprobe says of it makes no sense ({type(error).__name__})"
        ) from error


def _media_info(path: Path, found: dict[str, Any], stream: dict[str, Any], config: MediaConfig) -> MediaInfo:
    coded_width, coded_height = _size(stream)
    if coded_width <= 0 or coded_height <= 0:
        raise MediaError(f"{path}: its header gives no picture size; it may be incomplete")
    if coded_width * coded_height > config.max_pixels:
        raise MediaLimitError(
            f"{path}: frames of {coded_width} × {coded_height} are over the limit of {config.max_pixels:,} pixels "
            "(media.max_pixels in the configuration)"
        )
    start = _seconds(stream.get("start_time"), found["format"].get("start_time"))
    duration = _duration(stream, found["format"], start or 0.0)
    if duration is not None and duration > config.max_duration_seconds:
        raise MediaLimitError(
            f"{path}: {duration:,.0f} s are over the limit of {config.max_duration_seconds:,.0f} s "
            "(media.max_duration_seconds in the configuration)"
        )
    colour = Colour(
        range_from_header=_stated(stream, "color_range"),
        space_from_header=_stated(stream, "color_space"),
        primaries_from_header=_stated(stream, "color_primaries"),
        transfer_from_header=_stated(stream, "color_transfer"),
    )
    rotation = _rotation(stream)
    turned = rotation in {90, 270}
    pictures = sum(
        s.get("codec_type") == "video" and not s["disposition"].get("attached_pic") for s in found["streams"]
    )
    return MediaInfo(
        format_name=str(found["format"].get("format_name", "unknown")),
        codec=str(stream.get("codec_name", "unknown")),
        pixel_format=str(stream.get("pix_fmt", "unknown")),
        stream_index=int(stream["index"]),
        width=coded_height if turned else coded_width,
        height=coded_width if turned else coded_height,
        coded_width=coded_width,
        coded_height=coded_height,
        rotation=rotation,
        sample_aspect_ratio=str(stream.get("sample_aspect_ratio", "1:1")),
        time_base=_fraction(stream.get("time_base")) or Fraction(1, 1000),
        frame_rate_from_header=_fraction(stream.get("avg_frame_rate")) or _fraction(stream.get("r_frame_rate")),
        start_seconds_from_header=start,
        duration_seconds_from_header=duration,
        colour=colour,
        warnings=(*_warnings(stream, colour, rotation, pictures), *_hidden_frames(stream, found["format"], duration)),
    )
