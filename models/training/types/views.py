"""Views of a picture: as it is, mirrored, and as if the object had been farther away."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.identify.photos import crop_object
from training.types.pictures import TypePicture

FAR_PX = (40, 160)


def length(item: TypePicture) -> float:
    """The longest side of the object in the picture, in pixels."""
    return max(item.box[2] - item.box[0], item.box[3] - item.box[1])


def reduced(item: TypePicture, longest_px: int) -> NDArray[np.uint8]:
    """The crop (h, w, 3, BGR) as if the object had been ``longest_px`` long in the frame."""
    crop = crop_object(item.read(), item.box)
    scale = longest_px / length(item)
    if scale >= 1:
        return crop
    size = (max(2, round(crop.shape[1] * scale)), max(2, round(crop.shape[0] * scale)))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)


def plain(item: TypePicture) -> NDArray[np.uint8]:
    """The crop (h, w, 3, BGR) that the program would make."""
    return crop_object(item.read(), item.box)


def mirrored(item: TypePicture) -> NDArray[np.uint8]:
    """The plain crop, left and right exchanged."""
    return plain(item)[:, ::-1]


def far(item: TypePicture, number: int) -> NDArray[np.uint8]:
    """The crop reduced to a length drawn evenly on a logarithmic scale, mirrored every other time."""
    draw = np.random.default_rng([20140824, number])
    crop = reduced(item, round(float(np.exp(draw.uniform(*np.log(FAR_PX))))))
    return crop[:, ::-1] if draw.random() < 0.5 else crop
