"""Where the reference's picture lies in the query's: maps between frames whose sides are 1."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.forms import Region

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
_MIRROR = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1]], np.float64)


def mirrored(region: Region) -> Region:
    """The same part of the mirrored picture."""
    left, top, right, bottom = region
    return 1 - right, top, 1 - left, bottom


def out_of(region: Region) -> Matrix:
    """Takes points of a region, whose sides are 1, to points of the frame."""
    left, top, right, bottom = region
    return np.array([[right - left, 0, left], [0, bottom - top, top], [0, 0, 1]], np.float64)


def between_frames(homography: Matrix, query: Region, reference: Region, *, is_mirrored: bool) -> Matrix:
    """The map from the query's frame to the reference's, from that between two regions of them.

    The query's region is one of the mirrored frame, if the footage is mirrored.
    """
    whole = out_of(reference) @ homography @ np.linalg.inv(out_of(query))
    whole = whole @ _MIRROR if is_mirrored else whole
    return np.asarray(whole / whole[2, 2])


def moved(points: Points, by: Matrix) -> Points:
    """Points (n, 2) after a map."""
    return np.asarray(cv2.perspectiveTransform(points[None].astype(np.float64), by)[0], np.float64)


def corners_in_query(transform: Matrix) -> Points:
    """Where the corners of the reference's frame lie in the query's frame: (4, 2), clockwise from the upper left."""
    return moved(_CORNERS, np.asarray(np.linalg.inv(transform), np.float64))


def visible(transform: Matrix) -> Region:
    """The part of the query's frame that holds the reference's picture."""
    corners = corners_in_query(transform)
    left, top = np.clip(corners.min(axis=0), 0, 1)
    right, bottom = np.clip(corners.max(axis=0), 0, 1)
    return float(left), float(top), float(right), float(bottom)


def apart(one: Matrix, other: Matrix) -> float:
    """How far two maps put what the first of them shows from each other, at most, in sides of the reference."""
    left, top, right, bottom = visible(one)
    shown = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    return float(np.abs(moved(shown, one) - moved(shown, other)).max())
