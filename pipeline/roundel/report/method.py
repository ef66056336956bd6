"""How a result was made and what is known to go wrong, in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roundel import words
from roundel.record import Analysis
from roundel.report.findings import label
from roundel.sandbox import DEVICES, PROTECTIONS

MOST_NAMES = 20
_UNKNOWN = "not recorded"
_NOT_VALIDATED = (
    "This detector has not been validated on footage from other sources. No rate of false or missed detections is "
    "known."
)
_OTHER_LIMITS = (
    "Roundel knows nothing about the failures of these weights. Ask whoever made them, and test them on footage with "
    "known content.",
)


@dataclass(frozen=True, slots=True)
class Method:
    """One way in which analyses of this case were made. ``settings`` are all recorded values."""

    number: int
    rows: tuple[tuple[str, str, str], ...]
    limits: tuple[str, ...]
    guards: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]


def methods(analyses: Sequence[Analysis]) -> tuple[list[Method], list[int]]:
    """The different methods of some analyses, and for each analysis the number of its own."""
    known: dict[str, Method] = {}
    numbers = []
    for analysis in analyses:
        key = json.dumps(analysis.provenance, sort_keys=True)
        if key not in known:
            known[key] = _method(len(known) + 1, analysis.provenance)
        numbers.append(known[key].number)
    return list(known.values()), numbers


def confinements(recorded: Sequence[tuple[str, object]]) -> list[str]:
    """What kept the decoder from doing harm while it read the files, in a sentence for videos of which it is the same.

    Args:
        recorded: the name of each video, and what the custody log holds about it, which anybody may have written.
    """
    groups: dict[str, list[str]] = {}
    for name, given in recorded:
        groups.setdefault(_confinement(given), []).append(name)
    return [
        f"{'Every video' if len(groups) == 1 else words.some(names, MOST_NAMES)}: {said}."
        for said, names in groups.items()
    ]


def _confinement(given: object) -> str:
    if not isinstance(given, Mapping):
        return "it is not recorded what the decoder was kept from"
    states = [state if isinstance(state := given.get(key), bool) else None for key in PROTECTIONS]
    said = []
    for wanted, how in ((True, "was kept from"), (False, "was not kept from"), (None, "was perhaps not kept from")):
        harms = [harm for harm, state in zip(PROTECTIONS.values(), states, strict=True) if state is wanted]
        if harms:
            said.append(f"{how} {words.listed(harms)}")
    if devices := given.get(DEVICES):
        names = [str(name) for name in devices] if isinstance(devices, list) else [str(devices)]
        shown = words.shorten(words.some(names, MOST_NAMES), 200)
        said.append(f"could use {shown} to decode, and make a local socket for that")
    return f"the decoder {'; it '.join(said)}"


def _get(values: Mapping[str, Any], *path: str) -> str:
    found: Any = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return _UNKNOWN
    return f"{found:g}" if isinstance(found, float) else words.shorten(str(found), 200)


def _method(number: int, made: Mapping[str, Any]) -> Method:
    weights = _get(made, "weights_name")
    base = _get(made, "config", "sampling", "base_fps")
    sampling = (
        "every frame"
        if base == "all"
        else f"at least {base} a second, at least {_get(made, 'config', 'sampling', 'per_shot')} a shot, and at least "
        f"{_get(made, 'config', 'sampling', 'dense_fps')} a second around detections"
    )
    rows = (
        ("Program", f"Roundel {_get(made, 'tool_version')}", "text"),
        ("Detector weights", weights, "text"),
        ("SHA-256 of the weights", _get(made, "weights_sha256").removeprefix("sha256:"), "code"),
        ("Engine", _engine(made), "text"),
        ("Frames examined", sampling, "text"),
        (
            "Detector settings",
            f"pictures of {_get(made, 'config', 'detector', 'input_px')} pixels, "
            f"tiles {_get(made, 'config', 'detector', 'tiles')}, "
            f"boxes from score {_get(made, 'config', 'detector', 'score')}",
            "text",
        ),
        (
            "A sighting needs",
            f"{_get(made, 'config', 'tracking', 'min_frames')} frames and a mean score of "
            f"{_get(made, 'config', 'tracking', 'min_score')} in the better half of them",
            "text",
        ),
        ("Tracker", _get(made, "tracker"), "text"),
        ("Probabilities", _calibrated(made), "text"),
        ("Types", f"{_get(made, 'identifier')}, {_get(made, 'identifier_sha256').removeprefix('sha256:')}", "code"),
        ("Reader of writing", f"{_get(made, 'text_reader')}; its weights are no probabilities", "text"),
        ("Decoder", _decoder(made), "text"),
        ("SHA-256 of the settings", _get(made, "config_sha256").removeprefix("sha256:"), "code"),
    )
    return Method(
        number=number,
        rows=rows,
        limits=_limits(made),
        guards=_guards(made),
        settings=tuple(_flat("", made)),
    )


def model_line(made: Mapping[str, Any]) -> str:
    """Which detector looked at a video."""
    digest = _get(made, "weights_sha256").removeprefix("sha256:")
    return f"{_get(made, 'weights_name')} (SHA-256 of the weights {digest})"


def validation_line(made: Mapping[str, Any]) -> str:
    """How that detector was tested."""
    tested = _get(made, "weights_validated")
    return f"{words.capital(tested)}. Probabilities: {_calibrated(made)}"


def _engine(made: Mapping[str, Any]) -> str:
    """What ran the network, in which precision and, if not on the processor, on which GPU."""
    gpu = f" on {_get(made, 'gpu')}" if "gpu" in made else ""
    return f"{_get(made, 'engine')} {_get(made, 'engine_version')}, {_get(made, 'precision')}{gpu}"


def _decoder(made: Mapping[str, Any]) -> str:
    name, version = _get(made, "decoder"), _get(made, "ffmpeg_version")
    return f"{name} {version}" if name == "ffmpeg" else f"{name}; version {version}"


def _calibrated(made: Mapping[str, Any]) -> str:
    if not isinstance(made.get("calibration"), Mapping):
        return "none: scores are not calibrated"
    return (
        f"measured on {_get(made, 'calibration', 'clips')} clips made from held-out still pictures, expected "
        f"calibration error {_get(made, 'calibration', 'expected_error')} there; not on real footage"
    )


def _limits(made: Mapping[str, Any]) -> tuple[str, ...]:
    """What is known to go wrong: what the card of the weights says, and what follows from the settings."""
    first = (_NOT_VALIDATED,) if _get(made, "weights_validated").startswith("not ") else ()
    least, known = made.get("classes_least_px"), made.get("weights_limits")
    small = tuple(
        f"A label {label(name)} on something small is reported as equipment, an object of open class."
        for name in (sorted(map(str, least)) if isinstance(least, Mapping) else ())
    )
    limits = tuple(words.shorten(str(text), 400) for text in known) if isinstance(known, list) else ()
    return (*first, *(limits or _OTHER_LIMITS), *small)


def _guards(made: Mapping[str, Any]) -> tuple[str, ...]:
    def setting(name: str) -> str:
        return _get(made, "config", "counting", name)

    return (
        "Frames in or near a dissolve or fade support no count, since they show two shots at once.",
        f"Two objects must be seen together in at least {setting('min_frames')} frames, each with a score of "
        f"{setting('min_score')} or more.",
        f"Their boxes must lie apart: no more than {setting('max_overlap')} of the smaller one inside the other.",
        f"Two views that look alike, straight or mirrored (likeness above {setting('max_likeness')}), are not taken "
        "for two objects.",
        "A straight seam between two objects, as in a split screen or a picture in a picture, makes them count as one.",
        "Nothing is added across shots: the same object may be filmed twice.",
        "What stays unchanged at one place while the rest of the picture changes is taken for a graphic laid over the "
        "picture and left out of all counts; it is listed below “Other detections”.",
    )


def _flat(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in sorted(values.items()):
        name = f"{prefix}{key}"
        rows += (
            _flat(f"{name}.", value)
            if isinstance(value, Mapping)
            else [(words.shorten(name, 120), words.shorten(str(value), 200))]
        )
    return rows
