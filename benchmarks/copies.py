"""How well reused footage is found: edited copies, published copies, unrelated clips, and three baselines.

    python benchmarks/copies.py [--half tune|report] [--work FOLDER] [--jobs N]

It needs the folders of shared media and pictures beside the checkout (``--media``, ``--data``). What is made, measured
and found is kept in the work folder, so an interrupted run goes on where it stopped; a change of the program needs an
empty one. Nothing is downloaded, and nothing of the footage gets into the repository.

A copy counts as found if a match names its source, says rightly whether it is mirrored, and overlaps the true range by
at least half of the union, in the copy and in the source. A false alarm is a match of two clips that share nothing.

Baselines: *PDQ at 31* takes any two keyframes with whole-picture hashes at most 31 bits apart and a quality of 50, as
Meta advises for pictures; *one hash a video* compares the majority of each bit over all keyframes, at 31.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from copies_material import EDITS, PLAIN, Half, footage, material, options, patterns

from roundel.fingerprint.keyframes import Keyframe
from roundel.matching import segments
from roundel.matching.candidates import RADIUS, HashIndex
from roundel.matching.comparing import Comparer
from roundel.matching.footage import Footage
from roundel.matching.match import match
from roundel.matching.segments import times

WIDE = 80  # radius at which unrelated candidates are counted
COMPARED = 4000  # unrelated candidates whose pictures are compared


def run_half(half: str, media: Path, data: Path, work: Path, jobs: int) -> tuple[Half, dict[str, list[dict[str, Any]]]]:
    """Find everything of one half; returns its material and the matches of each query."""
    made = material(half, media, data, work)
    cache = work / half / "footage"
    clips = {**made.references, **{name: made.folder / name for name in made.copies}}
    with ProcessPoolExecutor(jobs, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        list(pool.map(_fingerprint, clips.values(), clips, [cache] * len(clips)))
        kept = work / half / "matches"
        kept.mkdir(exist_ok=True)
        missing = [name for name in clips if not (kept / f"{name}.json").exists()]
        chunks = [missing[k::jobs] for k in range(jobs)]
        list(pool.map(_find, chunks, [list(made.references)] * jobs, [cache] * jobs, [kept] * jobs))
    return made, {name: json.loads((kept / f"{name}.json").read_text()) for name in clips}


def _fingerprint(path: Path, name: str, cache: Path) -> None:
    footage(path, name, cache)


def _find(queries: Sequence[str], references: Sequence[str], cache: Path, kept: Path) -> None:
    index = HashIndex([footage(Path(), name, cache) for name in references])
    for name in queries:
        query = footage(Path(), name, cache)
        found = match(Footage(f"query {name}", query.keyframes, query.still), index)
        text = json.dumps([asdict(item) for item in found], default=str)
        partial = kept / f".{name}.partial"
        partial.write_text(text)
        partial.replace(kept / f"{name}.json")


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """The intersection of two ranges as a share of their union."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, shared) / (max(one[1], other[1]) - min(one[0], other[0]))


def report_copies(made: Half, found: dict[str, list[dict[str, Any]]], cache: Path, leave_out: Sequence[str]) -> None:
    """The table of edits."""
    rows: dict[str, list[tuple[bool, float, bool, bool, str]]] = {edit: [] for edit in EDITS}
    forms: Counter[str] = Counter()
    for name, truth in made.copies.items():
        if truth.source in leave_out:
            continue
        right = [
            item
            for item in found[name]
            if item["reference"] == truth.source
            and item["mirrored"] == truth.mirrored
            and overlap(item["query_seconds"], truth.copy) >= 0.5
            and overlap(item["reference_seconds"], truth.original) >= 0.5
        ]
        error = float("nan")
        edits = ""
        if right:
            ends = [np.subtract(right[0]["query_seconds"], truth.copy)]
            ends.append(np.subtract(right[0]["reference_seconds"], truth.original))
            error = float(np.abs(ends).max())
            edits = ", ".join(right[0]["edits"])
            forms.update({pair["query_form"] + " / " + pair["reference_form"] for pair in right[0]["pairs"]})
        copy, source = footage(Path(), name, cache), footage(Path(), truth.source, cache)
        rows[truth.edit].append((bool(right), error, pdq_alone(copy, source), one_hash(copy, source), edits))
        if not right:
            print(f"  missed: {truth.edit} of {truth.source}: {brief(found[name])}")
    print(f"{'edit':26}{'copies':>7}{'found':>7}{'error, median':>15}{'largest':>9}{'PDQ at 31':>11}{'one hash':>10}")
    every = [row for kind in rows.values() for row in kind]
    for edit, kind in [*rows.items(), ("all", every)]:
        if kind:
            show_row(edit, kind)
    print("pairs that prove them, by the forms whose hashes were near (matches with at least one):")
    print("  " + "; ".join(f"{form} {count}" for form, count in forms.most_common(16)))
    named = Counter((edit, row[4]) for edit, kind in rows.items() for row in kind if row[0])
    for edit in rows:
        said = {text or "nothing": count for (which, text), count in named.items() if which == edit}
        print(f"  {edit}: named " + "; ".join(f"{text} {count}" for text, count in sorted(said.items())))


def show_row(edit: str, kind: Sequence[tuple[bool, float, bool, bool, str]]) -> None:
    """One line of the table."""
    errors = [row[1] for row in kind if row[0]]
    median, largest = (float(np.median(errors)), max(errors)) if errors else (float("nan"), float("nan"))
    shares = [float(np.mean([row[k] for row in kind])) for k in (0, 2, 3)]
    print(f"{edit:26}{len(kind):>7}{shares[0]:>7.2f}{median:>13.2f} s{largest:>7.2f} s", end="")
    print(f"{shares[1]:>11.2f}{shares[2]:>10.2f}")


def brief(found: Iterable[dict[str, Any]]) -> str:
    """Matches in a few words."""
    return "; ".join(
        f"{item['reference']} {item['query_seconds']} = {item['reference_seconds']} × {item['speed']}"
        f"{' mirrored' if item['mirrored'] else ''}"
        for item in found
    ) or "nothing"  # fmt: skip


def whole(keyframes: Iterable[Keyframe], quality: int) -> np.ndarray:
    """The whole-picture hashes of keyframes of some quality, (n, 32)."""
    hashes = [
        item.bits for keyframe in keyframes for item in keyframe.fingerprints[:1] if item.quality >= quality
    ]  # fmt: skip
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def pdq_alone(query: Footage, reference: Footage) -> bool:
    """Whether any two whole-picture hashes are at most 31 bits apart."""
    first, second = whole(query.keyframes, 50), whole(reference.keyframes, 50)
    if not len(first) or not len(second):
        return False
    return bool((np.bitwise_count(first[:, None] ^ second[None]).sum(axis=-1, dtype=int) <= 31).any())


def one_hash(query: Footage, reference: Footage) -> bool:
    """Whether the majorities of the bits over all keyframes differ in at most 31 bits."""
    bits = [np.unpackbits(whole(item.keyframes, 0), axis=1).mean(axis=0) > 0.5 for item in (query, reference)]
    return int((bits[0] ^ bits[1]).sum()) <= 31


def report_unrelated(made: Half, found: dict[str, list[dict[str, Any]]], cache: Path) -> None:
    """False alarms over all pairs of clips that share nothing."""
    names = list(made.references)
    pairs = [(a, b) for k, a in enumerate(names) for b in names[:k]]
    alarms = {tuple(sorted((name, item["reference"]))) for name in names for item in found[name]
              if item["reference"] != name}  # fmt: skip
    clips = {name: footage(Path(), name, cache) for name in names}
    alone = sum(pdq_alone(clips[a], clips[b]) for a, b in pairs)
    one = sum(one_hash(clips[a], clips[b]) for a, b in pairs)
    print(f"unrelated clips: {len(names)}, pairs: {len(pairs)}; pairs with a match: {len(alarms)}", end="")
    print(f"; PDQ at 31: {alone}; one hash: {one}")
    edited = {}
    for name, truth in made.copies.items():
        others = [other for other in names if other not in (truth.source, truth.host)]
        edited[name] = len(others)
        alarms |= {(name, item["reference"]) for item in found[name] if item["reference"] in others}
    more = sum(edited.values())
    print(f"edited copies against unrelated clips: {more} more pairs; all pairs with a match: {len(alarms)}")
    for alarm in sorted(alarms):
        print("  alarm:", *alarm, brief(item for item in found[alarm[0]] if item["reference"] == alarm[1]))


def report_thresholds(made: Half, cache: Path, half: str) -> None:
    """What unrelated candidates reach, so that the thresholds can be judged."""
    names = list(made.references)
    clips = [footage(Path(), name, cache) for name in names]
    index = HashIndex(clips)
    near: list[tuple[int, int, Any, int]] = []
    compared = 0
    for number, clip in enumerate(clips):
        compared += sum(len(clip.keyframes) * len(other.keyframes) for other in clips) - len(clip.keyframes) ** 2
        for other, hits in index.search(clip, WIDE).items():
            near += [(number, other, hits, k) for k in range(len(hits)) if other != number]
    distances = np.array([int(hits.distance[k]) for *_, hits, k in near])
    print(f"{half}: of {compared:,} pairs of unrelated keyframes (all forms), pairs of hashes at most so far apart:")
    print("  " + ", ".join(f"{limit}: {int((distances <= limit).sum())}" for limit in (31, 40, 48, 56, 64, 72, 80)))
    random.Random(1).shuffle(near)
    comparers: dict[tuple[int, int], Comparer] = {}
    values = []
    for number, other, hits, k in near[:COMPARED]:
        comparer = comparers.setdefault((number, other), Comparer(clips[number], clips[other]))
        pair = comparer.compare(hits, k)
        values.append((pair.inliers, pair.compared, pair.agreement) if pair else (0, 0, 0.0))
    table = np.array(values).reshape(-1, 3)
    print(f"  of {len(table)} of those pairs, compared: pairs with at least so many inliers")
    for limit in (8, 10, 12, 15, 20, 30):
        enough = table[:, 0] >= limit
        agree = enough & (table[:, 1] >= segments.LEAST_COMPARED) & (table[:, 2] >= segments.LEAST_AGREEMENT)
        print(f"    {limit}: {int(enough.sum())}, and with agreeing pixels: {int(agree.sum())}")


def report_true_pairs(made: Half, cache: Path, leave_out: Sequence[str]) -> None:
    """What pairs of keyframes reach that do show the same, beside which the thresholds can be judged."""
    rng = random.Random(2)
    values, distances = [], []
    for name, truth in made.copies.items():
        if truth.source in leave_out:
            continue
        query, source = footage(Path(), name, cache), footage(Path(), truth.source, cache)
        first, second = times(query), times(source)
        hits = HashIndex([source]).search(query, 256).get(0)
        if hits is None:
            continue
        at = first[hits.query]
        there = truth.original[0] + (at - truth.copy[0]) * truth.speed
        true = (np.abs(second[hits.reference] - there) <= 0.3) & (hits.mirrored == truth.mirrored)
        hits = hits.select(true & (at >= truth.copy[0]) & (at <= truth.copy[1]))
        for place in np.unique(hits.query):
            mine = hits.select(hits.query == place)
            distances.append(int(mine.distance.min()))
        if len(hits):
            comparer = Comparer(query, source)
            close = np.flatnonzero(hits.distance <= RADIUS)
            for k in rng.sample(close.tolist(), min(4, len(close))):
                pair = comparer.compare(hits, k)
                values.append((pair.inliers, pair.compared, pair.agreement) if pair else (0, 0, 0.0))
    spread = np.array(distances)
    print(f"  {len(spread)} keyframes of copies, share with a hash of the right moment at most so far away:")
    print("  " + ", ".join(f"{limit}: {(spread <= limit).mean():.2f}" for limit in (31, 40, 48, 56, 64, 72, 80)))
    table = np.array(values).reshape(-1, 3)
    print(f"  of {len(table)} true pairs at most {RADIUS} apart, share with at least so many inliers:")
    for limit in (8, 10, 12, 15, 20, 30):
        enough = table[:, 0] >= limit
        agree = enough & (table[:, 1] >= segments.LEAST_COMPARED) & (table[:, 2] >= segments.LEAST_AGREEMENT)
        print(f"    {limit}: {enough.mean():.2f}, and with agreeing pixels: {agree.mean():.2f}")


def report_published(media: Path, work: Path) -> None:
    """The published near-duplicates, all pairs."""
    clips = [footage(path, name, work / "published") for name, path in patterns(media)]
    index = HashIndex(clips)
    print("published copies: seconds of the row that are shown in the column, = seconds of the column")
    right = wrong = 0
    for clip in clips:
        for item in match(Footage(f"query {clip.name}", clip.keyframes, clip.still), index):
            if item.reference != clip.name:
                print(f"  {clip.name} {item.query_seconds} = {item.reference} {item.reference_seconds} {item.edits}")
                related = clip.name.startswith("pattern") and item.reference.startswith("pattern")
                right, wrong = right + related, wrong + (not related)
    print(f"  {right} of {5 * 4} pairs of the family found, {wrong} of {5 * 2} pairs with the unrelated clip")


def main() -> None:
    """Run as a program."""
    given = options(__doc__)
    cv2.setNumThreads(1)
    for half in given.half:
        made, found = run_half(half, given.media, given.data, given.work, given.jobs)
        cache = given.work / half / "footage"
        print(f"\n== {half}: clips that can be recognised")
        report_copies(made, found, cache, PLAIN)
        if any(name in made.references for name in PLAIN):
            print(f"== {half}: all clips, {', '.join(PLAIN)} among them")
            report_copies(made, found, cache, ())
        report_unrelated(made, found, cache)
        report_thresholds(made, cache, half)
        report_true_pairs(made, cache, PLAIN)
    report_published(given.media, given.work)


if __name__ == "__main__":
    main()
