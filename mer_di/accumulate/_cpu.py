"""The numba twin: the same sums in blocks that stay in cache, with the interpreter lock released.

Frames are read where they lie: a block of frames is the flat memory from its first to its last pixel and two
strides, so a region of interest is summed without being copied.

Threads are Python's, over kernels that release the lock. Rejected: numba's ``parallel=True``, whose workqueue aborts
the process when several Python threads enter it at once.
"""

# numba makes some of its names at run time:
# mypy: disable-error-code="attr-defined"

import functools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

Array = NDArray[Any]
Part = tuple[int, int, int, int]  # first row, last row, first column, last column; the last ones exclusive

THREADS: int = numba.config.NUMBA_NUM_THREADS
PARALLEL_FROM = 1 << 22  # multiplications from which several threads pay: about a millisecond of work
BLOCK = 1 << 14  # pixels; their int32 sums fill 64 KiB of the second-level cache
GROUP = 4  # frames in one pass over the sums


class Sums:
    """Sums of K rows over frames of one shape; takes checked arrays."""

    def __init__(self, rows: int, shape: tuple[int, ...], total: np.dtype[Any]) -> None:
        self._sums = np.zeros((rows, *shape), total)

    def add(self, frames: Array, weights: Array) -> None:
        """Add frames (n, H, W[, C]) under weights (K, n) in the dtype of the sums."""
        if _lies_in_rows(frames):
            self._add_rows(frames, weights)
            return
        for t in range(len(frames)):
            frame = frames[t : t + 1]
            self._add_rows(frame if _lies_in_rows(frame) else np.ascontiguousarray(frame), weights[:, t : t + 1])

    def result(self) -> Array:
        """Return the sums, (K, H, W[, C])."""
        return self._sums

    def _add_rows(self, frames: Array, weights: Array) -> None:
        pixels, frame_stride, row_stride, rows, columns = _layout(frames)
        sums = self._sums.reshape(len(weights), rows, columns)
        factors = _factors(weights, frames.dtype)
        kernel = _kernel(frames.dtype.name, factors.dtype.name, sums.dtype.name)

        def run(part: Part) -> None:
            kernel(pixels, frame_stride, row_stride, factors, sums, *part)

        # A single frame is a stream, whose caller has threads of its own.
        if len(frames) == 1 or THREADS == 1 or frames.size * len(weights) < PARALLEL_FROM:
            run((0, rows, 0, columns))
        else:
            list(_threads().map(run, _parts(rows, columns)))


def _lies_in_rows(frames: Array) -> bool:
    """Whether rows of pixels are contiguous, one after the other in memory, and so are frames."""
    row = frames[0, 0]
    steps = frames.strides[:2] if len(frames) > 1 else (0, frames.strides[1])
    return (
        row.flags.c_contiguous
        and steps[0] >= 0
        and (frames.shape[1] == 1 or steps[1] >= row.nbytes)
        and all(step % frames.itemsize == 0 for step in steps)
    )


def _layout(frames: Array) -> tuple[Array, int, int, int, int]:
    """Flat memory, frame stride and row stride in pixels, rows, columns; a contiguous frame is one long row."""
    n, rows = frames.shape[:2]
    columns = frames[0, 0].size
    frame_stride, row_stride = (stride // frames.itemsize for stride in frames.strides[:2])
    if frames[0].flags.c_contiguous:
        rows, columns, row_stride = 1, rows * columns, 0
    span = (n - 1) * frame_stride + (rows - 1) * row_stride + columns
    flat = np.lib.stride_tricks.as_strided(frames, (span,), (frames.itemsize,), writeable=False)
    return flat, frame_stride, row_stride, rows, columns


def _factors(weights: Array, pixel: np.dtype[Any]) -> Array:
    """Weights as int16 where that changes nothing: 8-bit pixels are then multiplied twice as fast."""
    narrow = pixel == np.uint8 and weights.dtype == np.int32 and np.abs(weights).max() <= np.iinfo(np.int16).max
    return np.ascontiguousarray(weights, np.int16 if narrow else None)


def _parts(rows: int, columns: int) -> Iterator[Part]:
    """Split by rows, or a single long row by columns, into one part a thread."""
    for i in range(THREADS):
        if rows > 1:
            yield i * rows // THREADS, (i + 1) * rows // THREADS, 0, columns
        else:
            yield 0, 1, i * columns // THREADS, (i + 1) * columns // THREADS


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="mer_di-accumulate")


if hasattr(os, "register_at_fork"):  # a forked child inherits the pool, but not its threads
    os.register_at_fork(after_in_child=_threads.cache_clear)


@functools.cache
def _kernel(pixel: str, weight: str, total: str) -> Any:  # noqa: ANN401 - numba's own type has no stubs
    """Compile `_add_frames` for one combination of dtypes, as a function of its own.

    In numba's file cache, the signatures of one function are numbered in the order of their compilation. Of two
    processes that compile different ones at the same moment, both take the same number, and a later process
    may load the machine code of one under the signature of the other. One function a signature cannot.
    """
    function = FunctionType(_add_frames.__code__, globals())
    function.__qualname__ = f"add_frames_{pixel}_{weight}_{total}"
    signature = types.void(
        types.Array(getattr(types, pixel), 1, "C", readonly=True),
        types.intp,
        types.intp,
        types.Array(getattr(types, weight), 2, "C"),
        types.Array(getattr(types, total), 3, "C"),
        *[types.intp] * 4,
    )
    try:
        return numba.njit(signature, nogil=True, cache=True)(function)
    except RuntimeError:  # nowhere to write a cache: compile in every process
        return numba.njit(signature, nogil=True)(function)


def _add_frames(
    pixels: Array,
    frame_stride: int,
    row_stride: int,
    weights: Array,
    sums: Array,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    n = weights.shape[1]
    grouped = n - n % GROUP
    for row in range(first_row, last_row):
        for start in range(first_column, last_column, BLOCK):
            stop = min(start + BLOCK, last_column)
            block = pixels[row * row_stride + start :]
            for t in range(0, grouped, GROUP):
                for k in range(len(weights)):
                    _add_group(block, frame_stride, weights[k], t, sums[k, row, start:stop])
            for t in range(grouped, n):
                for k in range(len(weights)):
                    _add_one(block, frame_stride, weights[k], t, sums[k, row, start:stop])


@numba.njit(nogil=True)
def _add_one(block: Array, frame_stride: int, weights: Array, t: int, sums: Array) -> None:
    weight = weights[t]
    if weight == 0:
        return
    frame = block[t * frame_stride :]
    for i in range(sums.size):
        sums[i] += weight * frame[i]


@numba.njit(nogil=True)
def _add_group(block: Array, frame_stride: int, weights: Array, t: int, sums: Array) -> None:
    w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
    if w0 == 0 or w1 == 0 or w2 == 0 or w3 == 0:
        for j in range(GROUP):
            _add_one(block, frame_stride, weights, t + j, sums)
        return
    f0 = block[t * frame_stride :]
    f1 = f0[frame_stride:]
    f2 = f1[frame_stride:]
    f3 = f2[frame_stride:]
    for i in range(sums.size):
        # One frame after the other, as _add_one would: the bits of float sums depend on the order.
        sums[i] = sums[i] + w0 * f0[i] + w1 * f1[i] + w2 * f2[i] + w3 * f3[i]
