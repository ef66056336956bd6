"""Tracks: boxes of one object through the analysed frames of one shot. A new tracker for every shot."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roundel.config import TrackingConfig
from roundel.types import Detections, Seconds

BYTETRACK_RATE = 30.0  # the package counts its lost-track buffer in frames of this rate


class Tracker(Protocol):
    """Follows objects within one shot."""

    def update(self, found: Detections, at_seconds: Seconds) -> NDArray[np.intp]:
        """The track number of each box, (n,), -1 for none. Called once for every analysed frame, in order of time."""
        ...


class ByteTracker:
    """ByteTrack (Zhang et al., ECCV 2022) as the ``trackers`` package implements it, with true times between frames.

    Association is by overlap alone and over all classes: the class of an object is decided once from all its frames,
    not box by box.
    """

    def __init__(self, config: TrackingConfig) -> None:
        from trackers import ByteTrackTracker

        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(config.lost_seconds * BYTETRACK_RATE),
            frame_rate=BYTETRACK_RATE,
            track_activation_threshold=config.start_score,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=config.match_iou,
            high_conf_det_threshold=config.start_score,
        )

    def update(self, found: Detections, at_seconds: Seconds) -> NDArray[np.intp]:
        """See :meth:`Tracker.update`."""
        import supervision

        boxes = supervision.Detections(
            xyxy=found.xyxy.astype(np.float64),
            confidence=found.score.astype(np.float64),
            class_id=np.arange(len(found)),
        )
        tracked = self._tracker.update(boxes, timestamp=at_seconds)
        numbers = np.full(len(found), -1, np.intp)
        if len(tracked) and tracked.tracker_id is not None:
            numbers[tracked.class_id] = tracked.tracker_id
        return numbers
