"""Where an expression peaks, by the frames alone: the likeliest apex of one rise and one fall.

A clip from onset to offset shows something that grows up to the apex and goes back afterwards; nobody knows what it
looks like. For a hypothetical apex its course is a triangle over time, and the share of the clip's changes that follows
this course, whatever picture it multiplies, is the generalized likelihood ratio of a matched subspace detector (Scharf
and Friedlander, IEEE Trans. Signal Processing 42(8), 1994). The apex is where that share is largest.

What changes without an expression is taken out before. In space: light (a factor, an offset, and how both lean to a
side) and small movements of the head, as the derivatives of the mean picture by shift, zoom and turn (Hager and
Belhumeur, IEEE TPAMI 20(10), 1998). In time: whatever drifts in a straight line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import SampleError
from mer_di.imaging.frames import one_channel
from mer_di.imaging.placement import Matrix
from mer_di.imaging.warp import Warp

Floats = NDArray[np.float64]

SIDE = 64
"""Pixels along a crop in which apexes are looked for."""
MOMENTS = 512
"""Crops that are kept of a clip at most; of a longer one each is the mean of neighbouring frames."""
_STILL = 1e-6  # squared grey levels a pixel, of a clip in which nothing moves
_PLACES = 6  # the last ones depend on the processor and the number of its threads
_FINER = 2  # crops are reduced from this many times the side, smoothly: a shift is then a step along the derivative


@dataclass(frozen=True, slots=True)
class Spotted:
    """Where an expression peaks.

    Attributes
    ----------
    position : int
        0-based frame of the clip.
    confidence : float
        0..1: the share of the changes in the clip, without light, head and straight drifts, that follows one rise to
        this frame and one fall from it. What moves besides lowers it, and so does noise.
    """

    position: int
    confidence: float


def spot_apex(
    frames: Iterable[NDArray[np.uint8]], matrix: Matrix, n_frames: int, positions: range | None = None
) -> Spotted:
    """Find the frame at which an expression peaks.

    Parameters
    ----------
    frames : iterable of ndarray of uint8, shape (H, W, 3), RGB
        From onset to offset; one in memory at a time.
    matrix : ndarray of float64, shape (2, 3)
        Frame to a crop of `SIDE` pixels; see `mer_di.imaging.placement`.
    n_frames : int
        How many there are.
    positions : range, optional
        Where the apex may be; by default anywhere but at the first and the last frame.

    Returns
    -------
    Spotted

    Raises
    ------
    SampleError
        ``apex-not-found``: nothing changes but light, head and straight drifts.
    """
    together = -(-n_frames // MOMENTS)
    crops = np.stack(list(_means(_crops(frames, matrix), together)))
    times = (np.arange(len(crops)) * together + (together - 1) / 2).clip(max=n_frames - 1)
    apexes = np.array(positions or range(1, n_frames - 1))
    changes = without_light_and_head(crops)
    changes -= _along_lines(times) @ changes
    if np.mean(changes**2) < _STILL:
        raise SampleError("apex-not-found", "nothing changes between onset and offset but light and the head's place")
    shares = np.sum((_courses(times, apexes, n_frames) @ changes) ** 2, axis=1) / np.sum(changes**2)
    shares = shares.clip(0, 1).round(_PLACES)
    best = int(shares.argmax())
    return Spotted(int(apexes[best]), float(shares[best]))


def without_light_and_head(crops: Floats) -> Floats:
    """Take out of crops what light and small movements of the head change.

    Parameters
    ----------
    crops : ndarray of float, shape (T, `SIDE`, `SIDE`)
        Grey and smooth.

    Returns
    -------
    ndarray of float64, shape (T, SIDE · SIDE)
        Differences from the mean crop, without what the pictures that this module names explain.
    """
    mean = crops.mean(axis=0)
    down, across = np.gradient(mean)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    light = [np.ones_like(mean), x, y, mean, x * mean, y * mean]
    head = [across, down, x * across + y * down, x * down - y * across]
    basis, _ = np.linalg.qr(np.stack([*light, *head]).reshape(len(light) + len(head), -1).T)
    changes: Floats = (crops - mean).reshape(len(crops), -1)
    changes -= (changes @ basis) @ basis.T
    return changes


def _crops(frames: Iterable[NDArray[np.uint8]], matrix: Matrix) -> Iterator[NDArray[np.float32]]:
    warp: Warp | None = None
    finer = _FINER * matrix + [[0, 0, (_FINER - 1) / 2]] * 2  # edges stay on edges
    for frame in frames:
        grey = one_channel(frame)
        luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if grey is None else grey
        warp = warp or Warp(finer, _FINER * SIDE, *luma.shape[:2])
        smooth = cv2.GaussianBlur(warp(luma), (0, 0), _FINER)
        yield smooth.reshape(SIDE, _FINER, SIDE, _FINER).mean(axis=(1, 3))


def _means(crops: Iterator[NDArray[np.float32]], together: int) -> Iterator[Floats]:
    total, count = np.zeros((SIDE, SIDE)), 0
    for crop in crops:
        total, count = total + crop, count + 1
        if count == together:
            yield total / count
            total, count = np.zeros((SIDE, SIDE)), 0
    if count:
        yield total / count


def _courses(times: Floats, apexes: NDArray[np.int64], n_frames: int) -> Floats:
    """Return a triangle over time for each apex, of unit length and without a straight line in it."""
    rising = times / np.maximum(apexes, 1)[:, np.newaxis]
    fading = (n_frames - 1 - times) / np.maximum(n_frames - 1 - apexes, 1)[:, np.newaxis]
    courses: Floats = np.minimum(rising, fading)
    courses -= courses @ _along_lines(times)
    courses /= np.linalg.norm(courses, axis=1, keepdims=True)
    return courses


def _along_lines(times: Floats) -> Floats:
    """Return the projection of a course over time onto straight lines."""
    basis, _ = np.linalg.qr(np.stack([np.ones_like(times), times - times.mean()], axis=1))
    projection: Floats = basis @ basis.T
    return projection
