"""The numba twin: the same sums in blocks that stay in cache, with the interpreter lock released.

Frames of a stack are read where they lie, so a region of interest is summed without being copied. Frames that arrive
one at a time may be overwritten by the next: they are copied until there are enough for some passes over the sums.

Threads are Python's, over kernels that release the lock. Rejected: numba's ``parallel=True``, whose workqueue aborts
the process when several Python threads enter it at once.
"""

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.executors import processors
from mer_di.kernels import byte_instructions, kernel
from mer_di.kernels.constants import DIGIT_BITS, FRAMES, STEP, STRIP
from mer_di.memory import empty

Array = NDArray[Any]
Part = tuple[int, int, int, int]  # first row, last row, first column, last column; the last ones exclusive

THREADS = processors()
PARALLEL_FROM = 1 << 24  # pixels in all frames from which several threads pay: about a millisecond of work
WAITING_BYTES = 1 << 23  # of frames of a stream that are summed together: one to four passes
MEMORY_FROM = 1 << 23  # bytes; more frames than that are taken to be in memory, fewer in the cache


_BYTE_DOTS = "void(intp, intp, intp, intp, int32[:,::1], intp[:,::1], intp, int32[:,:,::1], intp, intp, intp, intp)"
_LOOPS = "void({pixel}[::1], intp, intp, {weight}[:,::1], intp, {total}[:,:,::1], intp, intp, intp, intp)"


class Sums:
    """Sums of K rows over frames of one shape; takes checked arrays."""

    def __init__(self, rows: int, shape: tuple[int, ...], total: np.dtype[Any]) -> None:
        self._sums = empty((rows, *shape), total)
        self._fresh = True  # nothing has been added, and what is in the sums means nothing
        self._waiting: Array | None = None
        self._their_weights = np.empty((rows, 4 * FRAMES), total)
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
            passes = min(max(WAITING_BYTES // (FRAMES * frame.nbytes), 1), 4)
            self._waiting = empty((passes * FRAMES, *frame.shape), frame.dtype)
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
    sums = sums.reshape(len(weights), rows, columns)
    instructions = _byte_instructions(frames.dtype, weights, columns)
    if instructions:
        add_bytes = kernel("byte_dots", f"add_bytes_by_{instructions}", _BYTE_DOTS)
        in_memory = frames.nbytes > MEMORY_FROM
        of_frames = frames.ctypes.data, frames.strides[0], row_stride, in_memory, np.ascontiguousarray(weights)
        steps = -(-len(weights) // 2) * -(-len(frames) // FRAMES)
        return rows, columns, lambda part: add_bytes(*of_frames, np.empty((steps, STEP), np.intp), fresh, sums, *part)
    factors = _factors(weights, frames.dtype)
    signature = _LOOPS.format(pixel=frames.dtype, weight=factors.dtype, total=sums.dtype)
    strides = (stride // frames.itemsize for stride in (frames.strides[0], row_stride))
    add_frames = partial(kernel("loops", "add_frames", signature), _flat(frames), *strides, factors)
    return rows, columns, lambda part: add_frames(fresh, sums, *part)


def _byte_instructions(pixel: np.dtype[Any], weights: Array, columns: int) -> str | None:
    """Name those that can add frames under weights in the dtype of the sums, in rows of so many pixels."""
    name = byte_instructions()
    if name is None or pixel != np.uint8 or weights.dtype != np.int32 or columns < STRIP:
        return None
    return name if int(np.abs(weights).max()) <= largest_weight(DIGIT_BITS[name]) else None


def largest_weight(bits: int) -> int:
    """Return the size up to which a weight has two digits of so many bits, whatever its sign."""
    return ((1 << bits - 1) - 1) * ((1 << bits) + 1)


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
    parts = THREADS if rows > 1 else min(THREADS, max(1, columns // STRIP))
    for i in range(parts):
        if rows > 1:
            yield i * rows // parts, (i + 1) * rows // parts, 0, columns
        else:
            yield 0, 1, i * columns // parts, (i + 1) * columns // parts


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "mer_di-accumulate", _keep_to_one_processor, (itertools.count(),))


def _keep_to_one_processor(turns: Iterator[int]) -> None:
    """Give each thread its own: sums are over before a scheduler would have parted two that it woke on the same."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):  # not allowed to: the scheduler decides
            os.sched_setaffinity(0, {usable[next(turns) % len(usable)]})


if hasattr(os, "register_at_fork"):  # a forked child inherits the pool, but not its threads
    os.register_at_fork(after_in_child=_threads.cache_clear)
