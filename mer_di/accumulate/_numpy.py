"""The reference twin: one multiplication and one addition of whole frames for each frame and row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Sums:
    """Sums of K rows over frames of one shape; takes checked arrays."""

    def __init__(self, rows: int, shape: tuple[int, ...], total: np.dtype[Any]) -> None:
        self._sums = np.zeros((rows, *shape), total)

    def add(self, frames: Array, weights: Array) -> None:
        """Add frames (n, H, W[, C]) under weights (K, n) in the dtype of the sums."""
        for frame, column in zip(frames, weights.T, strict=True):
            for row in np.flatnonzero(column):
                self._sums[row] += np.multiply(frame, column[row], dtype=self._sums.dtype)

    def result(self) -> Array:
        """Return the sums, (K, H, W[, C])."""
        return self._sums
