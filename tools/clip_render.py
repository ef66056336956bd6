"""Draws the frames of one scene, with the boxes of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from clip_backdrop import DETAIL, MARGIN_X, MARGIN_Y, Floats, Image, make_backdrop
from clip_scenes import CUTOUTS, CameraMove, Placement, Scene

Matrix = NDArray[np.float64]
PARALLAX = 0.6
"""How much of a pan the sky and hills follow."""
INSET_SHARE = 0.34
"""Width of a picture-in-picture as a fraction of the frame's width."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where one object is on one frame.

    ``xyxy`` bounds what is inside the frame, without aerials. ``visible_fraction`` is the part of its silhouette that
    is neither outside the frame nor behind another object; ``opacity`` is below 1 in a dissolve or fade.
    """

    object_id: str
    xyxy: tuple[float, float, float, float]
    visible_fraction: float
    opacity: float = 1.0
    reflected: bool = False
    """A mirror image made by the layout (mirrored halves), beside the object itself."""
    depicted: bool = False
    inset: bool = False
    """It is in the second picture of a split screen or picture-in-picture."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sprite:
    """A cut-out ready to be drawn. ``bgra``: float32, premultiplied, 0 to 255; ``body``: alpha without aerials."""

    bgra: Floats
    body: Floats
    shadow: Floats | None


def mirror(image: Image, boxes: Sequence[Box]) -> tuple[Image, list[Box]]:
    """A frame and its boxes flipped left to right."""
    width = image.shape[1]
    flipped = [replace(b, xyxy=(width - b.xyxy[2], b.xyxy[1], width - b.xyxy[0], b.xyxy[3])) for b in boxes]
    return np.ascontiguousarray(image[:, ::-1]), flipped


class SceneRenderer:
    """Draws frames of one scene in any order; the same number gives the same pixels.

    Args:
        scene: What to draw.
        size: Width and height of the frames, both even.
        fps: Frames per second; sets the pace of the hand shake.
        span: First and one-past-last frame number; the camera moves from its start to its end over them.
            Numbers below 0 lie before the shot's boundary, in a dissolve.
        seed: Decides place, shake and noise.
        cutouts: Folder of the cut-outs.
    """

    def __init__(
        self, scene: Scene, size: tuple[int, int], fps: float, span: tuple[int, int], *, seed: int, cutouts: Path
    ) -> None:
        self._scene, self._size, self._fps, self._span, self._seed = scene, size, fps, span, seed
        place = scene.backdrop_seed if scene.backdrop_seed is not None else seed
        self._backdrop = make_backdrop(scene.backdrop, size, place, scene.clutter)
        self._sprites = [_load_sprite(p, scene, size, cutouts) for p in scene.placements]
        self._phases = np.random.default_rng([seed, 1]).uniform(0, 2 * np.pi, (3, 3))
        self._inset = (
            None if scene.inset is None else SceneRenderer(scene.inset, size, fps, span, seed=seed + 1, cutouts=cutouts)
        )
        self._still: tuple[Image, list[Box]] | None = None

    def frame(self, number: int) -> tuple[Image, list[Box]]:
        """The frame with this number, uint8 (height, width, 3) BGR, and the boxes on it."""
        image, boxes = self._still or self._draw(number)
        if self._is_still() and self._still is None:
            self._still = (image, boxes)
        image = self._with_noise(image, number)
        if self._scene.layout == "mirrored_halves":
            return _mirrored_halves(image, boxes)
        if self._inset is not None:
            second = self._inset.frame(number)
            join = _split_screen if self._scene.layout == "split_screen" else _picture_in_picture
            return join((image, boxes), second)
        return image, boxes

    def _is_still(self) -> bool:
        scene = self._scene
        moves = any(p.travel != (0.0, 0.0) or p.grow != 1.0 for p in scene.placements)
        return scene.camera.start == scene.camera.end and scene.camera.shake_px == 0 and not moves

    def _draw(self, number: int) -> tuple[Image, list[Box]]:
        first, end = self._span
        progress = float(np.clip((number - first) / max(end - first - 1, 1), 0, 1))
        seconds = (number - first) / self._fps
        view = _view(self._scene.camera, progress, seconds, self._size, self._phases)
        far_view = _view(self._scene.camera, progress, seconds, self._size, self._phases, follow=PARALLAX)
        canvas = _canvas(self._size)
        flags = cv2.INTER_LINEAR
        far = cv2.warpAffine(self._backdrop.far, (far_view @ canvas)[:2], self._size, flags=flags,
                             borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        near = cv2.warpAffine(self._backdrop.near, (view @ canvas)[:2], self._size, flags=flags,
                              borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        frame = near[..., :3].astype(np.float32)
        frame += far * (1 - near[..., 3:].astype(np.float32) / 255)
        boxes = self._draw_objects(frame, view, progress)
        frame = cv2.GaussianBlur(frame, (0, 0), 0.0011 * self._size[1]).astype(np.float32)
        frame *= _vignette(self._size)
        return np.clip(frame + 0.5, 0, 255).astype(np.uint8), boxes

    def _draw_objects(self, frame: Floats, view: Matrix, progress: float) -> list[Box]:
        masks: list[tuple[Floats, float]] = []
        for placement, sprite in zip(self._scene.placements, self._sprites, strict=True):
            matrix = view @ _placing(placement, sprite, progress, self._size)
            if sprite.shadow is not None:
                pad = (np.array(sprite.shadow.shape[::-1]) - np.array(sprite.body.shape[::-1])) / 2
                shift = np.array(
                    [[1, 0, -pad[0]], [0, 1, sprite.body.shape[0] - sprite.shadow.shape[0] / 2], [0, 0, 1]]
                )
                shade = cv2.warpAffine(sprite.shadow, (matrix @ shift)[:2], self._size, flags=cv2.INTER_LINEAR)
                frame *= 1 - shade[..., None]
            drawn = cv2.warpAffine(sprite.bgra, matrix[:2], self._size, flags=cv2.INTER_LINEAR)
            frame *= 1 - drawn[..., 3:] / 255
            frame += drawn[..., :3]
            masks = [((mask * (1 - drawn[..., 3] / 255)).astype(np.float32), total) for mask, total in masks]
            body = cv2.warpAffine(sprite.body, matrix[:2], self._size, flags=cv2.INTER_LINEAR).astype(np.float32)
            masks.append((body, float(sprite.body.sum()) * abs(float(np.linalg.det(matrix[:2, :2])))))
        boxes = []
        for placement, (mask, total) in zip(self._scene.placements, masks, strict=True):
            xyxy = _bounds(mask)
            if xyxy is not None:
                seen = round(min(float(mask.sum()) / total, 1.0), 3)
                boxes.append(Box(placement.object_id, xyxy, seen, depicted=placement.depicted))
        return boxes

    def _with_noise(self, image: Image, number: int) -> Image:
        if self._scene.noise <= 0:
            return image
        rng = np.random.default_rng([self._seed, 2, number + 100_000])
        bank = _noise_bank(self._size)
        left, top = rng.integers(0, 64, 2)
        grain = bank[int(rng.integers(len(bank)))][top : top + self._size[1], left : left + self._size[0]]
        return np.clip(image + self._scene.noise * grain[..., None] + 0.5, 0, 255).astype(np.uint8)


def _canvas(size: tuple[int, int]) -> Matrix:
    """Backdrop canvas pixels to frame pixels at zoom 1."""
    return np.array([[1 / DETAIL, 0, -MARGIN_X * size[0]], [0, 1 / DETAIL, -MARGIN_Y * size[1]], [0, 0, 1]])


def _view(
    camera: CameraMove, progress: float, seconds: float, size: tuple[int, int], phases: NDArray[np.float64],
    *, follow: float = 1.0,
) -> Matrix:  # fmt: skip
    """Frame pixels at zoom 1 to frame pixels as the camera sees them at this moment."""
    eased = progress * progress * (3 - 2 * progress) * 0.5 + progress * 0.5
    x, y, zoom = (np.array(camera.start) * (1 - eased) + np.array(camera.end) * eased).tolist()
    pace = 2 * np.pi * np.array([0.45, 1.1, 2.3]) * seconds
    shake = (np.sin(pace + phases) * np.array([1.0, 0.5, 0.25])).sum(axis=1) * camera.shake_px * size[1] / 480
    roll = shake[2] * 0.0009 * 480 / size[1]
    x, width, height = 0.5 + (x - 0.5) * follow, *size
    cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
    turn = np.array([[cos, -sin, width / 2 + shake[0]], [sin, cos, height / 2 + shake[1]], [0, 0, 1]])
    return np.asarray(turn @ np.array([[1, 0, -x * width], [0, 1, -y * height], [0, 0, 1]]), np.float64)


def _placing(placement: Placement, sprite: _Sprite, progress: float, size: tuple[int, int]) -> Matrix:
    """Sprite pixels to frame pixels at zoom 1."""
    high, wide = sprite.body.shape
    scale = placement.width * size[0] / wide * (1 + (placement.grow - 1) * progress)
    anchor = np.array([[1, 0, -wide / 2], [0, 1, -high / 2 if placement.airborne else -high], [0, 0, 1]])
    angle = np.deg2rad(placement.rotate_degrees)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    x = (placement.x + placement.travel[0] * progress) * size[0]
    y = (placement.y + placement.travel[1] * progress) * size[1]
    return np.asarray(np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]]) @ anchor, np.float64)


def _load_sprite(placement: Placement, scene: Scene, size: tuple[int, int], cutouts: Path) -> _Sprite:
    file = cutouts / CUTOUTS[placement.cutout].file
    image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise FileNotFoundError(f"{file}: cannot read this cut-out; give its folder with --cutouts")
    bgra = image.astype(np.float32)
    if placement.flip:
        bgra = np.ascontiguousarray(bgra[:, ::-1])
    bgra[..., 3] = np.clip((cv2.GaussianBlur(bgra[..., 3], (0, 0), 0.8) - 70) * (255 / 170), 0, 255)
    bgra[..., :3] *= bgra[..., 3:] / 255 * np.array(placement.gain, np.float32)
    zoom = max(scene.camera.start[2], scene.camera.end[2]) * max(placement.grow, 1.0)
    scale = placement.width * size[0] * zoom / bgra.shape[1]
    if scale < 1:
        bgra = cv2.resize(bgra, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    bgra = np.pad(bgra, ((2, 0), (2, 2), (0, 0)))
    body = _without_aerials(bgra[..., 3])
    if placement.depicted:
        bgra = _on_board(bgra)
        return _Sprite(bgra, np.pad(body, _board_pad(body.shape[0], body.shape[1])), None)
    return _Sprite(bgra, body, None if placement.airborne else _shadow(body))


def _without_aerials(alpha: Floats) -> Floats:
    """Alpha without rows above the body in which less than 5 % of the width is opaque."""
    body = alpha.copy()
    rows = (alpha > 80).mean(axis=1)
    body[: int(np.argmax(rows > 0.05))] = 0
    return body


def _shadow(body: Floats) -> Floats:
    """Darkness on the ground (0 to 1), centred on the foot of the object: a tight core and a wide soft rim."""
    high, wide = body.shape
    thick = high * 0.5
    canvas = np.zeros((int(thick), int(wide * 1.5)), np.float32)
    columns = np.flatnonzero(body[int(high * 0.75) :].max(axis=0) > 80) + (canvas.shape[1] - wide) / 2
    middle, half = (float(columns.min()) + float(columns.max())) / 2, (float(columns.max()) - float(columns.min())) / 2
    rim, core = canvas.copy(), canvas.copy()
    cv2.ellipse(
        rim, (int(middle + 0.05 * wide), int(thick * 0.47)), (int(half * 1.08), int(high * 0.085)), 0, 0, 360, 1.0, -1
    )
    cv2.ellipse(core, (int(middle), int(thick * 0.44)), (int(half * 0.98), int(high * 0.05)), 0, 0, 360, 1.0, -1)
    rim, core = (cv2.GaussianBlur(m, (0, 0), high * s).astype(np.float32) for m, s in ((rim, 0.035), (core, 0.014)))
    return np.asarray(np.clip(0.42 * rim + 0.45 * core, 0, 0.8), np.float32)


def _board_pad(high: int, wide: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (high // 10, high // 3), (wide // 12, wide // 12)


def _on_board(bgra: Floats) -> Floats:
    """The cut-out printed on a light panel with a dark frame on two posts."""
    pad = _board_pad(bgra.shape[0], bgra.shape[1])
    printed = np.pad(bgra, (*pad, (0, 0)))
    high, wide = printed.shape[:2]
    foot = high - pad[0][1] * 2 // 3
    board = np.zeros_like(printed)
    for x in (wide // 6, wide * 5 // 6):
        cv2.rectangle(board, (x - wide // 80, foot), (x + wide // 80, high), (70, 74, 78, 255), -1)
    cv2.rectangle(board, (0, 0), (wide - 1, foot), (60, 60, 60, 255), -1)
    edge = max(2, wide // 60)
    cv2.rectangle(board, (edge, edge), (wide - 1 - edge, foot - edge), (216, 222, 224, 255), -1)
    return np.asarray(board * (1 - printed[..., 3:] / 255) + printed, np.float32)


def _bounds(mask: Floats) -> tuple[float, float, float, float] | None:
    opaque = mask > 100
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    if len(rows) == 0:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


@lru_cache(maxsize=2)
def _vignette(size: tuple[int, int]) -> Floats:
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    return (1 - 0.09 * (x * x + y * y))[..., None].astype(np.float32)


@lru_cache(maxsize=2)
def _noise_bank(size: tuple[int, int]) -> tuple[Floats, ...]:
    rng = np.random.default_rng(0)
    grains = (rng.standard_normal((size[1] + 64, size[0] + 64)).astype(np.float32) for _ in range(6))
    return tuple(cv2.GaussianBlur(g, (0, 0), 0.6).astype(np.float32) * 1.6 for g in grains)


def _clip_boxes(
    boxes: Sequence[Box], scale: float, shift: tuple[float, float], window: Sequence[float], *, inset: bool = False
) -> list[Box]:
    """Boxes scaled, shifted and cut to a window (x0, y0, x1, y1); what falls outside counts as not visible."""
    kept = []
    for box in boxes:
        x0, y0, x1, y1 = (v * scale + shift[k % 2] for k, v in enumerate(box.xyxy))
        cut = (max(x0, window[0]), max(y0, window[1]), min(x1, window[2]), min(y1, window[3]))
        if cut[2] - cut[0] < 1 or cut[3] - cut[1] < 1:
            continue
        share = (cut[2] - cut[0]) * (cut[3] - cut[1]) / ((x1 - x0) * (y1 - y0))
        kept.append(replace(box, xyxy=cut, visible_fraction=round(box.visible_fraction * share, 3), inset=inset))
    return kept


def _mirrored_halves(image: Image, boxes: Sequence[Box]) -> tuple[Image, list[Box]]:
    height, width = image.shape[:2]
    half = width // 2
    left = _clip_boxes(boxes, 1.0, (0, 0), (0, 0, half, height))
    joined = np.hstack([image[:, :half], image[:, :half][:, ::-1]])
    return joined, left + [replace(b, reflected=True) for b in mirror(joined, left)[1]]


def _split_screen(first: tuple[Image, list[Box]], second: tuple[Image, list[Box]]) -> tuple[Image, list[Box]]:
    """The middle halves of two pictures side by side."""
    height, width = first[0].shape[:2]
    half, quarter = width // 2, width // 4
    image = np.hstack([picture[:, quarter : quarter + half] for picture, _ in (first, second)])
    boxes = _clip_boxes(first[1], 1.0, (-quarter, 0), (0, 0, half, height))
    return image, boxes + _clip_boxes(second[1], 1.0, (half - quarter, 0), (half, 0, width, height), inset=True)


def _picture_in_picture(first: tuple[Image, list[Box]], second: tuple[Image, list[Box]]) -> tuple[Image, list[Box]]:
    """The second picture, small and with a border, in the upper right corner of the first."""
    image = first[0].copy()
    height, width = image.shape[:2]
    wide, high, gap = round(width * INSET_SHARE), round(height * INSET_SHARE), round(height * 0.04)
    left, top = width - gap - wide, gap
    cv2.rectangle(image, (left - 2, top - 2), (left + wide + 1, top + high + 1), (235, 235, 235), -1)
    image[top : top + high, left : left + wide] = cv2.resize(second[0], (wide, high), interpolation=cv2.INTER_AREA)
    window = (left, top, left + wide, top + high)
    under = [_behind(box, window) for box in first[1]]
    return image, under + _clip_boxes(second[1], INSET_SHARE, (left, top), window, inset=True)


def _behind(box: Box, window: tuple[float, float, float, float]) -> Box:
    x0, y0, x1, y1 = box.xyxy
    hidden = max(0.0, min(x1, window[2]) - max(x0, window[0])) * max(0.0, min(y1, window[3]) - max(y0, window[1]))
    share = 1 - hidden / max((x1 - x0) * (y1 - y0), 1.0)
    return replace(box, visible_fraction=round(box.visible_fraction * share, 3))
