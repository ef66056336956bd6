"""Where one camera take ends and the next begins: hard cuts to the frame, dissolves and fades as ranges.

The detector sees a small picture of every frame and keeps about three seconds of them.

*Hard cuts.* Frames are compared by how far each pixel lies outside the range of values that the other frame shows
within a few pixels (an envelope made by grey dilation and erosion), which small motion and grain do not leave. A cut is
a spike of that distance over its neighbourhood, unless the scene comes back within a fifth of a second (a flash) or
block matching finds the same scene on both sides (a jerk of the camera, a change of exposure).

*Dissolves and fades.* As in twin comparison (Zhang, Kankanhalli and Smoliar, "Automatic partitioning of full-motion
video", 1993) the two ends of a range must differ clearly while its single steps do not. Instead of summing histogram
differences the frames between must be linear mixtures ``(1 - a) A + a B`` of the two ends with a rising ``a``, which is
the production model of a dissolve. A pan, a zoom or a passing object shows pictures in the middle that lie off the line
between the ends. Besides, the edges of two unrelated pictures are both weakened by mixing, so that the energy of the
edges sags in the middle (as Alattar described for the variance in 1993), which motion does not do. A fade is a dissolve
of which one end is black or white.
"""

from roundel.shots.detector import FrameLabel, ShotDetector
from roundel.shots.settings import ShotSettings

__all__ = ["FrameLabel", "ShotDetector", "ShotSettings"]
