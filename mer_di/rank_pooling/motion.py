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
        wide = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        if first is None:
            first = wide
        if wide.shape != first.shape:
            raise InputError(f"frame {number} (0-based) has shape {wide.shape}, the first {first.shape}")
        found.append(np.abs(wide - first).sum())
    return np.array(found)
