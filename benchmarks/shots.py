"""Measure the shot detector on videos with known boundaries, beside PySceneDetect on the same frames.

Takes (single shots, divided by eye) of real clips are joined by cuts, dissolves and fades, disturbed, encoded with
H.264 and decoded again. Half of the takes served to choose the thresholds (``--half dev``), the other half reports.

    python benchmarks/shots.py [--media DIR] [--half test] [--seed 2] [--videos 60]
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.shots import ShotDetector
from roundel.types import FrameRef, Timestamp

FPS = 30
CANVAS = (256, 144)
THUMB = (128, 72)
DISTURBANCES = ("none", "none", "grain", "flicker", "flashes", "shake", "dark")
UNCUT = (
    *("V_AIRPLANE_010", "V_AIRPLANE_031", "V_BIRD_010", "V_DRONE_016", "V_HELICOPTER_012", "V_HELICOPTER_030"),
    *("base_from_air", "convoy_from_air", "portrait_tank", "doorknob-hd-no-bar", "pattern-hd-no-bar"),
    *("pattern-longer-no-bar", "pattern-sd-grey-bar", "pattern-sd-with-large-logo-bar"),
    "pattern-sd-with-small-logo-bar",
)
# lav fades through white in frames 56 to 60; the pieces leave these frames out.
CUT_BY_EYE = {"mtlb": (0, 177, 336, 435, 542, 632, 760, 849, 909, 973), "lav": (0, 55, 62, 94, 137, 176)}

Video = NDArray[np.uint8]


@dataclass
class Truth:
    """Known boundaries: first frames of shots after cuts, and ranges of mixed frames."""

    cuts: list[int] = field(default_factory=list)
    ranges: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass
class Score:
    """Sums over videos."""

    true_cuts: int = 0
    exact: int = 0
    near: int = 0
    said_cuts: int = 0
    cuts_in_ranges: int = 0
    ranges: dict[str, list[float]] = field(default_factory=lambda: {"dissolve": [], "fade": []})
    range_cuts: dict[str, int] = field(default_factory=lambda: {"dissolve": 0, "fade": 0})
    said_ranges: int = 0
    false_ranges: int = 0
    edge_errors: list[int] = field(default_factory=list)
    seconds: float = 0.0
    frames: int = 0


def load(path: Path, size: tuple[int, int] | None) -> Video:
    """All frames as YUV (n, h, w, 3): cropped to ``size``, or with the longest side 128 where it is None."""
    fit = "scale='if(gte(iw,ih),128,-1)':'if(gte(iw,ih),-1,128)':flags=area"
    if size:
        fit = f"scale={size[0]}:{size[1]}:force_original_aspect_ratio=increase:flags=area,crop={size[0]}:{size[1]}"
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-an", "-vf", f"{fit},format=yuv444p"]
    command += ["-fps_mode", "passthrough", "-f", "yuv4mpegpipe", "-strict", "-1", "-"]
    return y4m(subprocess.run(command, check=True, capture_output=True).stdout)


def y4m(data: bytes) -> Video:
    """Frames of a 4:4:4 YUV4MPEG2 stream, (n, h, w, 3)."""
    header, _, body = data.partition(b"\n")
    fields = {part[:1]: part[1:] for part in header.split()[1:]}
    width, height = int(fields[b"W"]), int(fields[b"H"])
    step = 6 + 3 * width * height
    frames = np.frombuffer(body, np.uint8)[: len(body) // step * step].reshape(-1, step)[:, 6:]
    return np.ascontiguousarray(frames.reshape(-1, 3, height, width).transpose(0, 2, 3, 1))


def recode(video: Video, quality: int) -> Video:
    """The video after H.264 at a constant rate factor, as thumbnails."""
    height, width = video.shape[1:3]
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    command = ["ffmpeg", "-v", "error", *raw, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast"]
    command += ["-crf", str(quality), "-threads", "1", "-f", "matroska", "-"]
    planes = np.ascontiguousarray(video.transpose(0, 3, 1, 2)).tobytes()
    coded = subprocess.run(command, check=True, capture_output=True, input=planes).stdout
    command = ["ffmpeg", "-v", "error", "-i", "-", "-vf", f"scale={THUMB[0]}:{THUMB[1]}:flags=area,format=yuv444p"]
    command += ["-fps_mode", "passthrough", "-f", "yuv4mpegpipe", "-strict", "-1", "-"]
    return y4m(subprocess.run(command, check=True, capture_output=True, input=coded).stdout)


def takes(media: Path, half: str) -> dict[str, tuple[str, Video]]:
    """Every second take, name → (group, frames); takes of one group show the same thing."""
    found = {}
    for path in sorted([*media.glob("real/*.mp4"), *media.glob("copies/*.mp4")]):
        video = load(path, CANVAS)
        edges = CUT_BY_EYE.get(path.stem, (0, len(video)))
        group = "pattern" if path.stem.startswith("pattern") else ""
        for first, last in itertools.pairwise(edges):
            if last - first >= 25:
                found[f"{path.stem}:{first}"] = (group or f"{path.stem}:{first}", video[first:last])
    wanted = 0 if half == "dev" else 1
    return {name: take for k, (name, take) in enumerate(found.items()) if k % 2 == wanted}


def pick(
    rng: np.random.Generator, material: dict[str, tuple[str, Video]], length: int, avoid: str
) -> tuple[str, Video]:
    """A random piece of a random take of another group, played to and fro where the take is too short."""
    names = [name for name, (group, _) in material.items() if group not in avoid]
    group, frames = material[names[rng.integers(len(names))]]
    if len(frames) < length:
        frames = np.concatenate([frames, frames[::-1]] * (length // (2 * len(frames)) + 1))
    start = int(rng.integers(len(frames) - length + 1))
    return group, frames[start : start + length]


def compose(rng: np.random.Generator, material: dict[str, tuple[str, Video]]) -> tuple[Video, Truth]:
    """Eight takes joined at random by cuts, dissolves and fades."""
    truth = Truth()
    group, video = pick(rng, material, int(rng.integers(25, 90)), set())
    last = group
    for _ in range(7):
        short = rng.random() < 0.15
        before, last = last, group
        group, piece = pick(rng, material, int(rng.integers(3, 9) if short else rng.integers(90, 150)), {before, last})
        early = len(video) < 70 and bool(truth.cuts)
        kind = "cut" if short or early else str(rng.choice(["cut", "cut", "dissolve", "fade"]))
        length = int(rng.integers(9, 61))
        since = len(video) - max([0, *truth.cuts, *(end for _, end, _ in truth.ranges)])
        if kind == "cut" or since < length + 12:
            truth.cuts.append(len(video))
            video = np.concatenate([video, piece])
            continue
        if kind == "dissolve":
            weight = (np.arange(1, length + 1) / (length + 1))[:, None, None, None]
            mixed = (1 - weight) * video[-length:] + weight * piece[:length]
        else:
            plain = np.array([[235, 128, 128], [16, 128, 128], [16, 128, 128]][rng.integers(3)])
            half, hold = length // 2 + 1, int(rng.integers(0, 6))
            weight = (np.arange(1, half + 1) / half)[:, None, None, None]
            out = (1 - weight) * video[-half:] + weight * plain
            back = (1 - weight[::-1]) * piece[:half] + weight[::-1] * plain
            mixed = np.concatenate([out, np.broadcast_to(plain, (hold, *out.shape[1:])), back])
            length = half
        truth.ranges.append((len(video) - length, len(video) - length + len(mixed), kind))
        video = np.concatenate([video[:-length], np.rint(mixed).astype(np.uint8), piece[length:]])
    return video, truth


def disturb(rng: np.random.Generator, video: Video, truth: Truth, kind: str) -> Video:
    """Grain, flicker, flashes, shake or darkness over the whole video."""
    n, height, width = video.shape[:3]
    out = video.astype(np.float32)
    if kind == "grain":
        out[..., 0] += rng.normal(0, rng.uniform(4, 12), out.shape[:3])
    elif kind == "flicker":
        out[..., 0] *= rng.normal(1, 0.04, n)[:, None, None]
    elif kind == "dark":
        out = (out - 128) * np.array([0.25, 0.4, 0.4], np.float32) + np.array([48, 128, 128], np.float32)
        out[..., 0] += rng.normal(0, 3, out.shape[:3])
    elif kind == "shake":
        path = cv2.GaussianBlur(rng.normal(0, 8, (n, 2)), (1, 5), 1)
        for k in range(n):
            move = np.array([[1, 0, path[k, 0]], [0, 1, path[k, 1]]], np.float32)
            out[k] = cv2.warpAffine(out[k], move, (width, height), borderMode=cv2.BORDER_REFLECT)
    elif kind == "flashes":
        edges = truth.cuts + [edge for first, last, _ in truth.ranges for edge in range(first, last)]
        for at in rng.integers(5, n - 12, 12):
            if min(abs(int(at) - edge) for edge in [*edges, -99]) > 12:
                edges.append(int(at))
                for k in range(int(rng.integers(1, 5))):
                    out[at + k, ..., 0] += (250 - out[at + k, ..., 0]) * rng.uniform(0.4, 1.0)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def ours(video: Video) -> Truth:
    """What the detector says."""
    detector, said = ShotDetector(), Truth()
    labels = []
    for k, picture in enumerate(video):
        labels += detector.push(FrameRef(k, Timestamp(k, Fraction(1, FPS))), picture)
    labels += detector.finish()
    assert [label.ref.index for label in labels] == list(range(len(video)))
    for shot in detector.shots[1:]:
        change = shot.transition_in
        if change.kind == "cut":
            said.cuts.append(shot.first_frame)
        else:
            first, last = round(change.start_seconds * FPS), round(change.end_seconds * FPS)
            said.ranges.append((first, last, change.kind))
    return said


def pyscenedetect(name: str, options: dict[str, float], video: Video) -> Truth:
    """What one of PySceneDetect's detectors says. The frames are in BGR before the clock starts."""
    import scenedetect

    detector = getattr(scenedetect, name)(**options)
    said = []
    for k, picture in enumerate(video):
        said += detector.process_frame(scenedetect.FrameTimecode(k, float(FPS)), picture)
    said += detector.post_process(scenedetect.FrameTimecode(len(video) - 1, float(FPS)))
    return Truth(cuts=[time.frame_num for time in said])


def judge(score: Score, said: Truth, truth: Truth) -> None:
    """Add one video's hits and misses."""
    score.true_cuts += len(truth.cuts)
    inside = [cut for cut in said.cuts if any(first - 1 <= cut <= last + 1 for first, last, _ in truth.ranges)]
    clear = [cut for cut in said.cuts if cut not in inside or cut in truth.cuts]
    score.cuts_in_ranges += len(said.cuts) - len(clear)
    score.said_cuts += len(clear)
    score.exact += len(set(clear) & set(truth.cuts))
    score.near += sum(any(abs(cut - near) <= 1 for near in clear) for cut in truth.cuts)
    score.said_ranges += len(said.ranges)
    hit = set()
    for first, last, kind in truth.ranges:
        best, which = 0.0, None
        for other in said.ranges:
            overlap = max(0, min(last, other[1]) - max(first, other[0]))
            share = overlap / (max(last, other[1]) - min(first, other[0]))
            if share > best:
                best, which = share, other
        score.ranges[kind].append(best)
        score.range_cuts[kind] += any(first - 1 <= cut <= last + 1 for cut in said.cuts)
        if which and best > 0.3:
            hit.add(which)
            score.edge_errors += [abs(which[0] - first), abs(which[1] - last)]
    score.false_ranges += len(said.ranges) - len(hit)


def show(name: str, score: Score) -> None:
    """Print one detector's row."""
    recall, precision = score.exact / max(score.true_cuts, 1), score.exact / max(score.said_cuts, 1)
    near, near_precision = score.near / max(score.true_cuts, 1), score.near / max(score.said_cuts, 1)
    print(
        f"{name:34} exact P {precision:.3f} R {recall:.3f} F1 {f1(precision, recall):.3f} | within 1 P "
        f"{near_precision:.3f} R {near:.3f} F1 {f1(near_precision, near):.3f} | {score.cuts_in_ranges} cuts in ranges "
        f"| {1000 * score.seconds / max(score.frames, 1):.3f} ms/frame"
    )
    for kind, shares in score.ranges.items():
        found = [share for share in shares if share > 0.3]
        print(
            f"{'':34} {kind}: {len(shares)}, found as range {len(found) / max(len(shares), 1):.3f}, mean IoU of found "
            f"{np.mean(found) if found else 0:.3f}, touched by a cut {score.range_cuts[kind] / max(len(shares), 1):.3f}"
        )
    if score.said_ranges:
        within = np.mean(np.array(score.edge_errors or [99]) <= 2)
        print(
            f"{'':34} ranges said {score.said_ranges}, false {score.false_ranges}, edges within 2 frames {within:.3f}"
        )


def f1(precision: float, recall: float) -> float:
    """The harmonic mean."""
    return 2 * precision * recall / max(precision + recall, 1e-9)


RIVALS = {
    "ContentDetector": ("ContentDetector", {}),
    "ContentDetector min_scene_len=3": ("ContentDetector", {"min_scene_len": 3}),
    "AdaptiveDetector": ("AdaptiveDetector", {}),
    "AdaptiveDetector min_scene_len=3": ("AdaptiveDetector", {"min_scene_len": 3}),
}


def run_all(video: Video, rivals: bool) -> dict[str, tuple[Truth, float]]:
    """What each detector says, and its processor seconds."""
    began = time.process_time()
    answers = {"roundel": (ours(video), 0.0)}
    answers["roundel"] = (answers["roundel"][0], time.process_time() - began)
    if rivals:
        pictures = np.stack([cv2.cvtColor(picture[..., [0, 2, 1]], cv2.COLOR_YCrCb2BGR) for picture in video])
        for name, (detector, options) in RIVALS.items():
            began = time.process_time()
            said = pyscenedetect(detector, options, pictures)
            answers[name] = (said, time.process_time() - began)
    return answers


def uncut(media: Path, rivals: bool) -> None:
    """False alarms on clips without boundaries, and what is said about the others, all timed at FPS."""
    alarms: dict[str, list[int]] = {}
    minutes = 0.0
    for path in sorted([*media.glob("real/*.mp4"), *media.glob("copies/*.mp4")]):
        video = load(path, None)
        for name, (said, _) in run_all(video, rivals).items():
            if path.stem in UNCUT:
                count = alarms.setdefault(name, [0, 0])
                count[0] += len(said.cuts)
                count[1] += len(said.ranges)
                minutes += len(video) / FPS / 60 if name == "roundel" else 0
            if path.stem in CUT_BY_EYE or (name == "roundel" and (said.cuts or said.ranges)):
                print(f"  {path.stem}: {name}: cuts {said.cuts} ranges {said.ranges}")
    for name, (cuts, ranges) in alarms.items():
        print(
            f"{name:34} uncut {minutes:.2f} min: false cuts/min {cuts / minutes:.2f}, ranges/min {ranges / minutes:.2f}"
        )


def main() -> None:
    """Run the whole measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--media", type=Path, default=Path(__file__).parents[2] / "shared" / "media")
    parser.add_argument("--half", choices=("dev", "test"), default="test")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--videos", type=int, default=56)
    parser.add_argument("--alone", action="store_true", help="without PySceneDetect")
    parser.add_argument("--verbose", action="store_true", help="every error")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    material = takes(given.media, given.half)
    print(f"{given.half}: {', '.join(material)}")
    scores: dict[str, Score] = {}
    by_kind: dict[str, Score] = {}
    for number in range(given.videos):
        rng = np.random.default_rng([given.seed, number])
        video, truth = compose(rng, material)
        kind = DISTURBANCES[number % len(DISTURBANCES)]
        video = recode(disturb(rng, video, truth, kind), int(rng.integers(20, 34)))
        for name, (said, seconds) in run_all(video, not given.alone).items():
            score = scores.setdefault(name, Score())
            score.seconds += seconds
            score.frames += len(video)
            judge(score, said, truth)
            if name == "roundel":
                judge(by_kind.setdefault(kind, Score()), said, truth)
                if given.verbose:
                    complain(number, kind, said, truth)
    for name, score in scores.items():
        show(name, score)
    for kind, score in by_kind.items():
        show(f"roundel, {kind}", score)
    uncut(given.media, not given.alone)


def complain(number: int, kind: str, said: Truth, truth: Truth) -> None:
    """Print what differs from the truth."""
    print(f"video {number} {kind}: missed {sorted(set(truth.cuts) - set(said.cuts))} ", end="")
    print(f"false {sorted(set(said.cuts) - set(truth.cuts))}")
    print(f"    true {truth.ranges}\n    said {said.ranges}")


if __name__ == "__main__":
    main()
