"""How much of its motion each frame of a clip shows."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import items, plain_array
from mer_di.errors import InputError

Motion = NDArray[np.int64] | NDArray[np.float64]


def motion_intensity(frames: Iterable[ArrayLike]) -> Motion:
    """Return how far each frame is from the first, Σ|F_t − F_1| over pixels and channels.

    Parameters
    ----------
    frames : ndarray of shape (T, H, W) or (T, H, W, C), or iterable of T frames of shape (H, W) or (H, W, C)
        In temporal order from the onset, integers or floats. Read once, two frames in memory.

    Returns
    -------
    ndarray of int64 or float64, shape (T,)
        The mean difference times the number of pixels. Of integers it is exact, so that equal motions are equal.

    Raises
    ------
    InputError
        If a frame has another shape than the first.

    Examples
    --------
    >>> motion_intensity(np.array([[[10, 10]], [[10, 12]], [[7, 13]]], dtype=np.uint8))
    array([0, 2, 6])
    """
    first: NDArray[Any] | None = None
    found = []
    for number, frame in enumerate(items("frames", frames)):
        array = plain_array("frames", frame)
        if first is None:
            first = array.astype(_wide(array.dtype))
        if array.shape != first.shape:
            raise InputError(f"frame {number} (0-based) has shape {array.shape}, the first {first.shape}")
        difference = array.astype(_wide(array.dtype))
        difference -= first
        found.append(np.abs(difference, out=difference).sum())
    return np.array(found)


def _wide(kind: np.dtype[Any]) -> np.dtype[Any]:
    """Return numbers that hold the difference of two: as narrow as can be, as they are many."""
    return np.dtype(np.float64 if kind.kind == "f" else f"i{min(8, 2 * kind.itemsize)}")
