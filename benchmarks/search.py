"""How well ``roundel search --image`` finds an object again, among pictures of other hardware.

    python benchmarks/search.py                             # the demo's cut-outs in other shots
    python benchmarks/search.py --photos DIR                # among crops of a YOLO data set, and edited copies of them
    python benchmarks/search.py --photos DIR --cases CASE…  # and sightings of real clips, seen again later

``--photos`` is a folder with sub-folders ``NAME/images`` and ``NAME/labels``. One right answer at a time is hidden
among all wrong ones; "first" and "in 10" are the shares of such pairs in which it is the most similar or among the ten
most similar sightings, and AP is the mean of one over its place (average precision with one right answer).

* other shot: cut-outs of six vehicles in shots made by ``tools/make_clip.py``: other place, size, light, noise and
  compression, but always the same side, since a cut-out is one photograph. So this flatters.
* edited copy: a crop of a photograph, and the same crop mirrored, re-encoded, reduced …
* later: pictures of one sighting of a real clip, at least a second apart; the object, the camera or both have moved.
* again: two sightings of one object in one real clip, by the list in this file.

In the last two, the wrong sightings are all of other videos: place and light may tell them apart as well as the object.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from make_clip import random_scenes, render_frames
from roundel import case as cases
from roundel import package
from roundel.identify import shipped_embedder
from roundel.identify.photos import crop_object

ROOT = Path(__file__).resolve().parents[1]
HARDWARE = range(7)  # classes of the data set that are hardware, as in the shipped detector
LEAST_PX = 48
SECONDS, FPS, SIZE = 60, 2, (640, 360)
LATER_SECONDS = 1.0
SAME = {  # sightings of one object, by the name of the clip: the tracking lost it and took it up again
    "portrait_tank.mp4": ("t00001", "t00002"),
    "V_HELICOPTER_012.mp4": ("t00001", "t00002"),
    "V_DRONE_016.mp4": ("t00002", "t00003"),
}
Picture = NDArray[np.uint8]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Sighting:
    """An object in a shot: which one it is, and the vectors (n, d) of its pictures."""

    name: str
    vectors: Vectors


def encoded(picture: Picture, quality: int) -> Picture:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def reduced(picture: Picture, longest: int) -> Picture:
    scale = longest / max(picture.shape[:2])
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture


def turned(picture: Picture, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def trimmed(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return picture[height // 10 : height - height // 10, width // 10 : width - width // 10]


EDITS: dict[str, Callable[[Picture], Picture]] = {
    "mirrored": lambda picture: np.ascontiguousarray(picture[:, ::-1]),
    "JPEG of quality 20": lambda picture: encoded(picture, 20),
    "reduced to 64 px": lambda picture: reduced(picture, 64),
    "reduced to 32 px": lambda picture: reduced(picture, 32),
    "grey": lambda picture: cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
    "a tenth cut off each side": trimmed,
    "turned by 10 degrees": lambda picture: turned(picture, 10),
    "darker (gamma 2)": lambda picture: np.uint8(255 * (picture / 255.0) ** 2),
    "mirrored, 64 px, JPEG 40": lambda picture: encoded(reduced(picture[:, ::-1], 64), 40),
}


def photos(root: Path) -> Iterator[tuple[str, Picture]]:
    """Crops of hardware from a data set in YOLO's form, with the margin that an analysis leaves."""
    for label in sorted(root.glob("*/labels/*.txt")):
        picture = cv2.imread(str(label.parent.parent / "images" / f"{label.stem}.jpg"))
        if picture is None:
            continue
        height, width = picture.shape[:2]
        for number, line in enumerate(label.read_text().splitlines()):
            kind, x, y, w, h = (float(value) for value in line.split()[:5])
            box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            if int(kind) in HARDWARE and max(w * width, h * height) >= LEAST_PX:
                yield f"{label.stem}#{number}", crop_object(picture, box)


def shots(seed: int) -> dict[tuple[int, str], list[Picture]]:
    """Crops of each object in each shot of a made clip, by its true boxes."""
    scenes = random_scenes(SECONDS, seed, 6)
    ends = np.cumsum([round(scene.seconds * FPS) for scene in scenes])
    found: dict[tuple[int, str], list[Picture]] = {}
    for frame, (image, boxes) in enumerate(render_frames(scenes, FPS, SIZE, seed)):
        for box in boxes:
            if box.visible_fraction > 0.8 and box.opacity == 1:
                crop = encoded(crop_object(image, box.xyxy), 60)
                found.setdefault((int(np.searchsorted(ends, frame, "right")), box.object_id), []).append(crop)
    return {key: crops[:: max(1, len(crops) // 3)][:3] for key, crops in found.items() if len(crops) >= 2}


def place(query: Vectors, right: Vectors, wrong: Sequence[Sighting]) -> int:
    """The place of the right sighting among wrong ones; a sighting is as similar as its most similar picture."""
    mine = float((right @ query).max())
    return 1 + sum(float((other.vectors @ query).max()) >= mine for other in wrong)


def tell(what: str, places: Sequence[int], wrong: int) -> None:
    found = np.array(places)
    print(
        f"| {what} | {len(found)} | {wrong} | {np.mean(found == 1):.0%} | {np.mean(found <= 10):.0%} "
        f"| {np.mean(1 / found):.2f} |",
        flush=True,
    )


def of_case(case: Path, embedder) -> Iterator[tuple[str, dict[str, list[tuple[float, Vectors]]]]]:
    """The pictures of hardware in each video of a case: (seconds, vector) by track, one pass of the network each."""
    for folder in cases.packages(case):
        analysis = package.read_analysis(folder)
        tracks: dict[str, list[tuple[float, Vectors]]] = {}
        for track in analysis.tracks:
            crops = [cv2.imread(str(folder / view.file)) for view in track.views]
            if crops and not track.burnt_in:
                vectors = embedder.embed(crops).vectors
                tracks[track.id] = [(view.seconds, row) for view, row in zip(track.views, vectors, strict=True)]
        yield analysis.video.names[0], tracks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--most", type=int, default=600, help="crops of photographs at most")
    parser.add_argument("--seeds", type=int, default=4, help="made clips of a minute")
    parser.add_argument("--cases", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    embedder = shipped_embedder()
    crops = list(photos(given.photos)) if given.photos else []
    crops = crops[:: max(1, len(crops) // given.most)][: given.most]
    began = time.process_time()
    others = [Sighting(name, embedder.embed([crop]).vectors) for name, crop in crops]
    if crops:
        each = (time.process_time() - began) / len(crops) * 1000
        print(f"{len(crops)} crops of photographs, {each:.0f} ms of processor time each\n", flush=True)
    print("| what | pairs | wrong sightings | first | in 10 | AP |\n|---|---|---|---|---|---|")
    made = [
        Sighting(name, embedder.embed(pictures).vectors)
        for seed in range(given.seeds)
        for (_, name), pictures in shots(seed).items()
    ]
    by_object: dict[str, list[int]] = {}
    for query in made:
        wrong = [*(item for item in made if item.name != query.name), *others]
        middle = query.vectors[len(query.vectors) // 2]
        rights = [item for item in made if item.name == query.name and item is not query]
        by_object.setdefault(query.name, []).extend(place(middle, item.vectors, wrong) for item in rights)
    for name, places in sorted(by_object.items()):
        tell(f"other shot: {name}", places, len(others) + sum(item.name != name for item in made))
    fewest = len(others) + min((sum(item.name != name for item in made) for name in by_object), default=0)
    tell("other shot: all", [item for places in by_object.values() for item in places], fewest)
    for what, edit in EDITS.items() if crops else ():
        chosen = range(0, len(crops), 3)
        queries = {index: embedder.embed([edit(crops[index][1])]).vectors[0] for index in chosen}
        found = [
            place(query, others[index].vectors, [item for item in others if item is not others[index]])
            for index, query in queries.items()
        ]
        tell(f"edited copy: {what}", found, len(others) - 1)
    videos = [video for case in given.cases for video in of_case(case, embedder)]
    later: list[int] = []
    again: list[int] = []
    count = 0
    for video, tracks in videos:
        # A wrong sighting is one of another video: within a video nobody has said which sightings are the same object.
        wrong = [
            *(Sighting(name, np.stack([row for _, row in rows])) for other, found in videos if other != video
              for name, rows in found.items()),
            *others,
        ]  # fmt: skip
        count = max(count, len(wrong))
        for rows in tracks.values():
            later += [
                place(one, other[None], wrong)
                for start, one in rows
                for end, other in rows
                if abs(end - start) >= LATER_SECONDS
            ]
        if SAME.get(video, ()) and all(name in tracks for name in SAME[video]):
            one, two = (tracks[name] for name in SAME[video])
            for here, there in ((one, two), (two, one)):
                again += [place(row, np.stack([item for _, item in there]), wrong) for _, row in here]
    if later:
        tell("later in the sighting, real clips", later, count)
    if again:
        tell("again in another sighting, real clips", again, count)


if __name__ == "__main__":
    main()
