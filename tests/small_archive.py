"""Small cases of fingerprints for tests: packages that hold no more than an index needs."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from roundel import package
from roundel.fingerprint.forms import FORMS
from roundel.fingerprint.keyframes import Fingerprint, Keyframe
from roundel.fingerprint.storage import FINGERPRINTS, line_of
from roundel.matching.candidates import HashIndex, Hits
from roundel.matching.footage import Footage
from roundel.types import FrameRef, Timestamp

WHOLE = (0.0, 0.0, 1.0, 1.0)
Answer = dict[str, list[tuple[int, ...]]]


def keyframes(
    rng: np.random.Generator, count: int, base: Sequence[bytes] = (), quality: int = 80
) -> tuple[Keyframe, ...]:
    """Keyframes of two forms; some hashes are those of ``base`` with some bits changed."""
    made = []
    for number in range(count):
        prints = []
        for form in FORMS[:2]:
            bits = np.frombuffer(rng.bytes(32), np.uint8)
            if len(base) and rng.random() < 0.5:
                flips = np.packbits(rng.random(256) < rng.choice([0, 0.05, 0.15, 0.25]))
                bits = np.frombuffer(base[rng.integers(len(base))], np.uint8) ^ flips
            prints.append(Fingerprint(form, WHOLE, bits.tobytes(), rng.bytes(32), quality))
        made.append(Keyframe(FrameRef(12 * number, Timestamp(number, Fraction(1, 2))), number == 0, tuple(prints)))
    return tuple(made)


def footage(name: str, made: tuple[Keyframe, ...]) -> Footage:
    def no_picture(_: FrameRef) -> np.ndarray:
        raise AssertionError("candidates are found without pictures")

    return Footage(name, made, no_picture)


def put(case: Path, name: str, made: tuple[Keyframe, ...]) -> str:
    """Put a package with fingerprints into a case; it has no more than an index needs."""
    place = f"videos/{hashlib.sha256(name.encode()).hexdigest()}/{name}"
    folder = case / place
    folder.mkdir(parents=True)
    text = "".join(json.dumps(line_of(keyframe)) + "\n" for keyframe in made)
    (folder / FINGERPRINTS).write_bytes(gzip.compress(text.encode(), mtime=0))
    digest = hashlib.sha256((folder / FINGERPRINTS).read_bytes()).hexdigest()
    (folder / package.MANIFEST).write_text(f"{digest}  {FINGERPRINTS}\n")
    return place


def answer(found: Iterable[tuple[str, Hits]]) -> Answer:
    return {name: rows(hits) for name, hits in found}


def rows(hits: Hits) -> list[tuple[int, ...]]:
    return sorted(zip(*(getattr(hits, name).tolist() for name in Hits.__slots__), strict=True))


def compared(query: Footage, references: Sequence[Footage], radius: int) -> Answer:
    """The answer by comparing everything in memory."""
    found = HashIndex(references).search(query, radius)
    return {references[number].name: rows(hits) for number, hits in found.items()}


def filled(case: Path, videos: int = 6, seed: int = 1) -> tuple[Footage, list[Footage]]:
    """A case of some videos that share hashes with the query."""
    rng = np.random.default_rng(seed)
    query = footage("query", keyframes(rng, 8))
    base = [item.bits for keyframe in query.keyframes for item in keyframe.fingerprints]
    base += [item.mirrored_bits for keyframe in query.keyframes for item in keyframe.fingerprints]
    made = [keyframes(rng, int(rng.integers(1, 9)), base) for _ in range(videos)]
    return query, [footage(put(case, f"{number:016x}", item), item) for number, item in enumerate(made)]
