"""What the container says, read by ffprobe without decoding anything."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from roundel.config import MediaConfig
from roundel.errors import MediaError, MediaLimitError
from roundel.media.process import UNTRUSTED, program, run
from roundel.types import Colour, MediaInfo

HDR_TRANSFERS = {"smpte2084", "arib-std-b67"}


def file_url(path: Path) -> str:
    """The path as ffmpeg must get it, so that no name is taken for an option, a pattern or another protocol."""
    return f"file:{path.absolute()}"


def _fraction(text: str | None) -> Fraction | None:
    try:
        value = Fraction(text) if text else None
    except (ValueError, ZeroDivisionError):
        return None
    return value if value and value > 0 else None


def _seconds(*texts: str | None) -> float | None:
    for text in texts:
        if not text or text == "N/A":
            continue
        try:
            if ":" in text:
                hours, minutes, seconds = text.split(":")
                return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            return float(text)
        except ValueError:
            continue
    return None


def _stated(stream: dict[str, Any], key: str) -> str | None:
    value = stream.get(key)
    return None if value in {None, "unknown", "unspecified", "reserved"} else str(value)


def _rotation(stream: dict[str, Any]) -> int:
    """Degrees clockwise, from the display matrix (counter-clockwise in ffprobe) or the old ``rotate`` tag."""
    for entry in stream.get("side_data_list", []):
        if "rotation" in entry:
            return round(-float(entry["rotation"])) % 360
    tag = stream.get("tags", {}).get("rotate", "0")
    return int(tag) % 360 if str(tag).lstrip("-").isdigit() else 0


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
        key=lambda s: (s.get("disposition", {}).get("default", 0), s.get("width", 0) * s.get("height", 0), -s["index"]),
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


def probe(path: Path, config: MediaConfig) -> MediaInfo:
    """Read the header of a video file.

    Raises:
        MediaError: if the file is no video that can be read, with the reason ffprobe gives.
        MediaLimitError: if it asks for more than the configuration allows.
    """
    arguments = [program(config.ffprobe), "-v", "error", "-of", "json", "-show_format", "-show_streams"]
    arguments += [part for key, value in UNTRUSTED.items() for part in (f"-{key}", value)]
    done = run([*arguments, "-i", file_url(path)], config, config.probe_seconds)
    if done.timed_out:
        raise MediaLimitError(f"{path}: the header could not be read within {config.probe_seconds:g} s")
    try:
        found: dict[str, Any] = json.loads(done.stdout or b"{}")
    except ValueError:
        found = {}
    if done.returncode != 0 or "format" not in found:
        raise MediaError(f"{path}: is no video that can be read: {_reason(done.stderr)}")
    stream = _main_stream(found.get("streams", []), path)
    return _media_info(path, found, stream, config)


def _reason(stderr: str) -> str:
    if "whitelist" in stderr.lower():
        return "its content is not one of the video containers that are opened (playlists and scripts never are)"
    lines = [line for line in stderr.splitlines() if line.strip()]
    cleaned = [line.split("] ", 1)[-1] if line.startswith("[") else line for line in lines]
    reason = next((line for line in cleaned if not line.startswith("file:")), "its content is not recognised")
    return f"{reason.strip()}; compare its hash with where it came from, it may be incomplete"


def _media_info(path: Path, found: dict[str, Any], stream: dict[str, Any], config: MediaConfig) -> MediaInfo:
    coded_width, coded_height = int(stream.get("width", 0)), int(stream.get("height", 0))
    if coded_width <= 0 or coded_height <= 0:
        raise MediaError(f"{path}: its header gives no picture size; it may be incomplete")
    if coded_width * coded_height > config.max_pixels:
        raise MediaLimitError(
            f"{path}: frames of {coded_width} × {coded_height} are over the limit of {config.max_pixels:,} pixels "
            "(media.max_pixels in the configuration)"
        )
    tags = {key.upper(): value for key, value in stream.get("tags", {}).items()}
    duration = _seconds(stream.get("duration"), tags.get("DURATION"), found["format"].get("duration"))
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
        frame_rate_from_header=_fraction(stream.get("avg_frame_rate")),
        start_seconds_from_header=_seconds(stream.get("start_time"), found["format"].get("start_time")),
        duration_seconds_from_header=duration,
        colour=colour,
        warnings=_warnings(stream, colour, rotation, pictures),
    )
