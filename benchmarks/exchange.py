"""What hashes alone find of edited copies, and how often unrelated clips give a false alarm (docs/fingerprints.md).

    python benchmarks/exchange.py [--media FOLDER] [--data FOLDER] [--half tune report] [--work FOLDER] [--jobs N]

The clips are those of benchmarks/copies.py (copies_material.py says what they are). Each original stands for a
contributed video, in three forms: all hashes, as roundel fingerprints export writes them; the whole picture once a
second, as vPDQ does; and up to 16 whole pictures without a quality, as auto-archiver does. Each copy is looked for.
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from copies import overlap
from copies_material import EDITS, PLAIN, Half, footage, material, options

from roundel.exchange.candidates import LEAST_PAIRS, HashCandidate, hash_candidates
from roundel.exchange.model import Rows, Video
from roundel.matching.footage import Footage

FORMS = ("all hashes", "vPDQ", "auto-archiver")
LIMITS = (1, 2, 3, 4, 5)
THUMBNAILS = 16


def contributed(clip: Footage, form: str) -> Video:
    """The hashes of a clip as one of the three programs would have stored them."""
    rows = Rows()
    if form == "all hashes":
        for keyframe in clip.keyframes:
            for item in keyframe.fingerprints:
                rows.add(keyframe.seconds, item.bits, item.quality, item.form)
        return rows.video(clip.name)
    at = np.array([keyframe.seconds for keyframe in clip.keyframes])
    wanted = np.arange(0, at[-1], 1.0) if form == "vPDQ" else np.linspace(at[0], at[-1], THUMBNAILS + 2)[1:-1]
    for place in np.unique(np.abs(at[:, None] - wanted[None]).argmin(axis=0)):
        item = clip.keyframes[place].fingerprints[0]
        rows.add(at[place], item.bits, item.quality if form == "vPDQ" else None)
    return rows.video(clip.name)


def look(name: str, references: list[str], cache: Path) -> dict[str, list[tuple[str, HashCandidate]]]:
    """All candidates of one clip in all references, by form; one near keyframe is enough to be listed."""
    query = footage(Path(), name, cache)
    found = {}
    for form in FORMS:
        videos = [contributed(footage(Path(), other, cache), form) for other in references if other != name]
        found[form] = [(item.video.label, item) for item in hash_candidates(query, videos, least_pairs=1)]
    return found


def run_half(half: str, given: argparse.Namespace) -> None:
    """Print what is found and what is wrong in one half."""
    made = material(half, given.media, given.data, given.work)
    cache = given.work / half / "footage"
    clips = {**made.references, **{name: made.folder / name for name in made.copies}}
    references = list(made.references)
    with ProcessPoolExecutor(given.jobs, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        list(pool.map(footage_of, clips.values(), clips, [cache] * len(clips)))
        answers = pool.map(look, clips, [references] * len(clips), [cache] * len(clips))
        found = dict(zip(clips, answers, strict=True))
    count_ones(clips, cache)
    for form in FORMS:
        print(f"\n== {half}, contributed as {form}")
        report(made, {name: item[form] for name, item in found.items()})


def footage_of(path: Path, name: str, cache: Path) -> None:
    footage(path, name, cache)


def report(made: Half, found: dict[str, list[tuple[str, HashCandidate]]]) -> None:
    """The share of copies that are found, by edit, and the pairs of unrelated clips with a candidate."""
    print(f"{'least pairs':26}" + "".join(f"{limit:>7}" for limit in LIMITS))
    total: Counter[int] = Counter()
    copies = {name: truth for name, truth in made.copies.items() if truth.source not in PLAIN}
    for edit in EDITS:
        mine = {name: truth for name, truth in copies.items() if truth.edit == edit}
        shares = []
        for limit in LIMITS:
            right = sum(
                any(
                    source == truth.source
                    and item.pairs >= limit
                    and item.mirrored == truth.mirrored
                    and item.contributed_seconds is not None
                    and overlap(item.query_seconds, truth.copy) >= 0.5
                    and overlap(item.contributed_seconds, truth.original) >= 0.5
                    for source, item in found[name]
                )
                for name, truth in mine.items()
            )
            total[limit] += right
            shares.append(right / len(mine) if mine else float("nan"))
        print(f"{edit:26}" + "".join(f"{share:>7.2f}" for share in shares))
    print(f"{f'all {len(copies)}':26}" + "".join(f"{total[limit] / len(copies):>7.2f}" for limit in LIMITS))
    pairs = 0
    alarms: Counter[int] = Counter()
    for name, candidates in found.items():
        truth = made.copies.get(name)
        own = {name} if truth is None else {truth.source, truth.host}
        pairs += sum(other not in own for other in made.references)
        for other in {label for label, _ in candidates} - own:
            most = max(item.pairs for label, item in candidates if label == other)
            for limit in LIMITS:
                alarms[limit] += most >= limit
            if most >= LEAST_PAIRS:
                print(f"  alarm: {name} in {other}, {most} pairs")
    print(f"{f'false, of {pairs}':26}" + "".join(f"{alarms[limit]:>7}" for limit in LIMITS))


def count_ones(clips: dict[str, Path], cache: Path) -> None:
    """How many bits of the hashes of footage are one."""
    ones: Counter[int] = Counter()
    for name in clips:
        for keyframe in footage(Path(), name, cache).keyframes:
            ones.update(int.from_bytes(item.bits).bit_count() for item in keyframe.fingerprints)
    print(f"bits that are one, of {sum(ones.values()):,} hashes: {dict(sorted(ones.items()))}")


def main() -> None:
    """Run as a program."""
    given = options(__doc__)
    for half in given.half:
        run_half(half, given)


if __name__ == "__main__":
    main()
