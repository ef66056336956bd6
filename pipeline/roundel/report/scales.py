"""What is printed beside each claim: the verdict in plain words, the rungs of proof and the scale of words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roundel import words
from roundel.claims.wording import SCALE, scale_rows
from roundel.record import ClaimRecord

VERDICTS = {
    "shows": (
        "Shown",
        "Two people confirmed it independently.",
        "Two people confirmed it independently, and nothing that is known speaks against it.",
    ),
    "supports": (
        "Supported",
        "Two people have not confirmed it yet.",
        "The evidence speaks for it; two people have not confirmed it yet.",
    ),
    "consistent_with": (
        "Possible, not proven",
        "",
        "What is known fits the statement, and fits other explanations as well.",
    ),
    "not_addressed": (
        "Not answered",
        "This is no answer either way.",
        "The evidence says nothing about it, neither for nor against.",
    ),
    "weakens": (
        "Doubtful",
        "That does not rule it out.",
        "What is known speaks against the statement, but does not rule it out.",
    ),
    "contradicts": (
        "Contradicted",
        "Both cannot be true.",
        "What is known and the statement cannot both be true.",
    ),
    "cannot_be_assessed": (
        "Cannot be assessed",
        "Something is missing that an answer needs.",
        "Something is missing that an answer needs; the sheet says what.",
    ),
}
"""Verdict: plain word, what to add to the sentence of a claim, what the word means."""

NONE_STATED = "No strength is stated here."
NO_STRENGTH = "No strength is stated here: how often such evidence is wrong has not been measured."

_RUNGS = (
    ("L0", "Something is there", "yes"),
    ("L1", "What kind of thing, such as aircraft", "yes"),
    ("L2", "Which model, such as MiG-21", "mostly, if look-alikes are ruled out"),
    ("L3", "Which version of that model", "sometimes, if the part that differs is seen"),
    ("L4", "Which single object, by its serial", "only if the marking can be read"),
    ("L5", "Which country designed it", "yes, if the model is known"),
    ("L6", "Where it was built", "no: several countries build one design"),
    ("L7", "Who holds it", "partly: markings can be faked"),
    ("L8", "Who supplied it, by what route", "no"),
    ("L9", "When it was supplied", "no: only that it existed when filmed"),
)


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of proof: what is asked, whether footage alone can answer it, whether the claim stands on it."""

    asked: str
    carried: str
    here: bool


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """A line of the scale of words. ``note``: whether it is used on the sheet, or more than may be said there."""

    ratio: str
    words: str
    note: str


def verdict_words(verdict: str) -> tuple[str, str]:
    """The plain word for a verdict, and what to add to the sentence of a claim."""
    if verdict not in VERDICTS:
        return words.capital(words.shorten(verdict.replace("_", " "), 60)), ""
    word, added, _ = VERDICTS[verdict]
    return word, added


def rungs(level: str) -> tuple[Rung, ...]:
    """The rungs of proof, with that of a claim marked."""
    return tuple(Rung(asked, carried, code == level) for code, asked, carried in _RUNGS)


def whole_scale() -> tuple[ScaleRow, ...]:
    """The scale as it is, for no claim."""
    return tuple(ScaleRow(ratio, said, "") for ratio, said in scale_rows())


def scale(record: ClaimRecord) -> tuple[tuple[ScaleRow, ...], str]:
    """The scale with the lines marked that a claim's evidence uses and that its cap forbids, and the cap in words.

    No lines if no strength is stated on the sheet; then the words say why.
    """
    used = {item.words for item in (*record.for_, *record.against) if item.ratio is not None}
    cap, clips = _cap(record)
    if not used:
        return (), NO_STRENGTH if clips == 0 else NONE_STATED
    rows = tuple(
        ScaleRow(ratio, said, "used here" if said in used else "too strong here" if clips and least > cap else "")
        for (ratio, said), (least, _) in zip(scale_rows(), SCALE, strict=True)
    )
    if clips == 0:
        return rows, ""
    return rows, (
        f"In {clips:,} test clips without such an object the program was checked for false alarms; they allow no more "
        f"than {words.number(cap, 0)} here, however sure the program is."
    )


def _cap(record: ClaimRecord) -> tuple[float, int]:
    """The lowest limit that the derivation states, and the clips that it rests on; 1 and 0 without one."""
    stated = [step.numbers for step in record.derivation if "cap" in step.numbers]
    limits = [(_figure(numbers["cap"]), int(_figure(numbers.get("negative_clips", 0)))) for numbers in stated]
    return min(limits, default=(1.0, 0))


def _figure(value: float | int | str) -> float:
    return float(value) if isinstance(value, float | int) else 0.0


def figures(numbers: Iterable[tuple[str, float | int | str]]) -> str:
    """Numbers with their names.

    >>> figures([("own_low", 0.25), ("actor", "SY")])
    'own low 0.25, actor SY'
    """
    shown = (
        f"{name.replace('_', ' ')} {words.number(value, 4) if isinstance(value, float | int) else value}"
        for name, value in numbers
    )
    return ", ".join(shown)
