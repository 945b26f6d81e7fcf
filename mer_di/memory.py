"""Arrays in memory that was used before: to get it anew from the system takes longer than to fill it.

What a clip needs, the next one needs again, but the system takes back what is set free and gives it out page by page,
each cleared first. So a thread keeps the few largest blocks that it set free, up to a limit.
"""

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALLEST = 1 << 17  # bytes; what is smaller does not go back to the system
LARGEST = 1 << 25  # bytes; what is larger is no clip's, or costs so much to fill that its memory does not matter
KEPT_BLOCKS = 6  # of each thread: stacks of frames, sums, images, and what a warp needs


def empty(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array with whatever is in it, as `numpy.empty` does.

    Parameters
    ----------
    shape : sequence of int
    dtype : dtype_like

    Returns
    -------
    ndarray
        Contiguous. Its memory serves again when neither the array nor a view of it is left.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if not SMALLEST <= size <= LARGEST:
        return np.empty(shape, kind)
    return np.asarray(_Loan(_free.take(size)))[:size].view(kind).reshape(shape)


class _Free(threading.local):
    """Blocks that a thread set free, the smallest first."""

    def __init__(self) -> None:
        self.blocks: list[NDArray[np.uint8]] = []

    def take(self, size: int) -> NDArray[np.uint8]:
        for place, block in enumerate(self.blocks):
            if block.size >= size:
                return self.blocks.pop(place)
        return np.empty(size, np.uint8)

    def give(self, block: NDArray[np.uint8]) -> None:
        self.blocks = sorted([*self.blocks, block], key=len)[-KEPT_BLOCKS:]


class _Loan:
    """A block, as long as an array refers to it."""

    def __init__(self, block: NDArray[np.uint8]) -> None:
        self._block = block
        self._give_back = _free.give  # at hand even when modules are taken apart
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        self._give_back(self._block)


_free = _Free()
