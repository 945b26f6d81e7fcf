"""The numba twin: the same sums in blocks that stay in cache, with the interpreter lock released.

Frames of a stack are read where they lie, so a region of interest is summed without being copied. Frames that arrive
one at a time may be overwritten by the next: they are copied until there are enough for some passes over the sums.

Threads are Python's, over kernels that release the lock. Rejected: numba's ``parallel=True``, whose workqueue aborts
the process when several Python threads enter it at once.
"""

# numba makes some of its names at run time:
# mypy: disable-error-code="attr-defined"

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from mer_di.accumulate import _byte_dots
from mer_di.compiled import array, compiled

Array = NDArray[Any]
Part = tuple[int, int, int, int]  # first row, last row, first column, last column; the last ones exclusive

THREADS: int = numba.config.NUMBA_NUM_THREADS
PARALLEL_FROM = 1 << 23  # pixels in all frames from which several threads pay: about half a millisecond of work
BLOCK = 1 << 14  # pixels; their int32 sums fill 64 KiB of the second-level cache
GROUP = 8  # frames in one pass over the sums
WAITING_BYTES = 1 << 23  # of frames of a stream that are summed together: one to four groups


class Sums:
    """Sums of K rows over frames of one shape; takes checked arrays."""

    def __init__(self, rows: int, shape: tuple[int, ...], total: np.dtype[Any]) -> None:
        self._sums = np.empty((rows, *shape), total)
        self._fresh = True  # nothing has been added, and what is in the sums means nothing
        self._waiting: Array | None = None
        self._their_weights = np.empty((rows, 4 * GROUP), total)
        self._n_waiting = 0

    def add(self, frames: Array, weights: Array) -> None:
        """Add frames (n, H, W[, C]) under weights (K, n) in the dtype of the sums."""
        if len(frames) == 1 or not _lies_in_rows(frames):
            for t in range(len(frames)):
                self._keep(frames[t], weights[:, t])
            return
        self._add_waiting()
        self._add(frames, weights, parallel=True)

    def result(self) -> Array:
        """Return the sums, (K, H, W[, C])."""
        self._add_waiting()
        return self._sums

    def _keep(self, frame: Array, weights: Array) -> None:
        if self._waiting is None:
            groups = min(max(WAITING_BYTES // (GROUP * frame.nbytes), 1), 4)
            self._waiting = np.empty((groups * GROUP, *frame.shape), frame.dtype)
        self._waiting[self._n_waiting] = frame
        self._their_weights[:, self._n_waiting] = weights
        self._n_waiting += 1
        if self._n_waiting == len(self._waiting):
            self._add_waiting()

    def _add_waiting(self) -> None:
        if self._waiting is not None and self._n_waiting:
            frames, weights = self._waiting[: self._n_waiting], self._their_weights[:, : self._n_waiting]
            self._add(frames, weights, parallel=False)  # the caller of a stream has threads of its own
            self._n_waiting = 0

    def _add(self, frames: Array, weights: Array, *, parallel: bool) -> None:
        rows, columns, add = _adder(frames, weights, self._sums, fresh=self._fresh)
        if not parallel or THREADS == 1 or frames.size < PARALLEL_FROM:
            add((0, rows, 0, columns))
        else:
            list(_threads().map(add, _parts(rows, columns)))
        self._fresh = False


def _lies_in_rows(frames: Array) -> bool:
    """Whether rows of pixels are contiguous, one after the other in memory, and so are frames."""
    row = frames[0, 0]
    steps = frames.strides[:2]
    return (
        row.flags.c_contiguous
        and steps[0] >= 0
        and (frames.shape[1] == 1 or steps[1] >= row.nbytes)
        and all(step % frames.itemsize == 0 for step in steps)
    )


def _adder(frames: Array, weights: Array, sums: Array, *, fresh: bool) -> tuple[int, int, Callable[[Part], None]]:
    """Rows, columns, and the function that adds a part of them; a contiguous frame is one long row."""
    rows, columns, row_stride = _rows(frames[0])
    if _byte_dots.serves(frames.dtype, weights, columns):
        addresses = frames.ctypes.data + np.arange(len(frames)) * frames.strides[0]
        add = partial(_byte_dots.kernel(), addresses, row_stride, *_byte_dots.terms(weights))
    else:
        factors = _factors(weights, frames.dtype)
        kernel = _kernel(frames.dtype.name, factors.dtype.name, sums.dtype.name)
        strides = (stride // frames.itemsize for stride in (frames.strides[0], row_stride))
        add = partial(kernel, _flat(frames), *strides, factors)
    sums = sums.reshape(len(weights), rows, columns)
    return rows, columns, lambda part: add(fresh, sums, *part)


def _rows(frame: Array) -> tuple[int, int, int]:
    """Rows, columns, and bytes from row to row; a contiguous frame is one long row."""
    if frame.flags.c_contiguous:
        return 1, frame.size, 0
    return len(frame), frame[0].size, frame.strides[0]


def _flat(frames: Array) -> Array:
    """Return the memory from the first to the last pixel."""
    rows, columns, row_stride = _rows(frames[0])
    last = (len(frames) - 1) * frames.strides[0] + (rows - 1) * row_stride
    span = last // frames.itemsize + columns
    return np.lib.stride_tricks.as_strided(frames, (span,), (frames.itemsize,), writeable=False)


def _factors(weights: Array, pixel: np.dtype[Any]) -> Array:
    """Weights as int16 where that changes nothing: 8-bit pixels are then multiplied twice as fast."""
    narrow = pixel == np.uint8 and weights.dtype == np.int32 and np.abs(weights).max() <= np.iinfo(np.int16).max
    return np.ascontiguousarray(weights, np.int16 if narrow else None)


def _parts(rows: int, columns: int) -> Iterator[Part]:
    """Split by rows, or a single long row by columns, into one part a thread; none is narrower than a strip."""
    parts = THREADS if rows > 1 else min(THREADS, max(1, columns // _byte_dots.PIXELS))
    for i in range(parts):
        if rows > 1:
            yield i * rows // parts, (i + 1) * rows // parts, 0, columns
        else:
            yield 0, 1, i * columns // parts, (i + 1) * columns // parts


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="mer_di-accumulate")


if hasattr(os, "register_at_fork"):  # a forked child inherits the pool, but not its threads
    os.register_at_fork(after_in_child=_threads.cache_clear)


@functools.cache
def _kernel(pixel: str, weight: str, total: str) -> Any:  # noqa: ANN401 - numba's own type has no stubs
    """Compile `_add_frames` for one combination of dtypes."""
    return compiled(
        _add_frames,
        f"add_frames_{pixel}_{weight}_{total}",
        array(pixel, 1, readonly=True),
        types.intp,
        types.intp,
        array(weight, 2),
        types.boolean,
        array(total, 3),
        *[types.intp] * 4,
    )


def _add_frames(
    pixels: Array,
    frame_stride: int,
    row_stride: int,
    weights: Array,
    fresh: bool,
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
            if fresh:
                sums[:, row, start:stop] = 0
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
    if not weights[t : t + GROUP].all():
        for j in range(GROUP):
            _add_one(block, frame_stride, weights, t + j, sums)
        return
    w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
    w4, w5, w6, w7 = weights[t + 4], weights[t + 5], weights[t + 6], weights[t + 7]
    f0 = block[t * frame_stride :]
    f1 = f0[frame_stride:]
    f2 = f1[frame_stride:]
    f3 = f2[frame_stride:]
    f4 = f3[frame_stride:]
    f5 = f4[frame_stride:]
    f6 = f5[frame_stride:]
    f7 = f6[frame_stride:]
    for i in range(sums.size):
        # One frame after the other, as _add_one would: the bits of float sums depend on the order.
        half = sums[i] + w0 * f0[i] + w1 * f1[i] + w2 * f2[i] + w3 * f3[i]
        sums[i] = half + w4 * f4[i] + w5 * f5[i] + w6 * f6[i] + w7 * f7[i]
