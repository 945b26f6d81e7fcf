"""Sums of frames of any numbers, eight frames a pass."""

from typing import Any

import numba
from numpy.typing import NDArray

from mer_di.kernels.constants import FRAMES

Array = NDArray[Any]

BLOCK = 1 << 14  # pixels; their int32 sums fill 64 KiB of the second-level cache


def add_frames(
    pixels: Array,
    frame_stride: int,
    row_stride: int,
    weights: Array,
    fresh: int,
    sums: Array,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    """Add frames, (T,) pixels of memory apart, to columns of rows of the sums (K, rows, columns)."""
    n = weights.shape[1]
    grouped = n - n % FRAMES
    for row in range(first_row, last_row):
        for start in range(first_column, last_column, BLOCK):
            stop = min(start + BLOCK, last_column)
            if fresh:
                sums[:, row, start:stop] = 0
            block = pixels[row * row_stride + start :]
            for t in range(0, grouped, FRAMES):
                for k in range(len(weights)):
                    _add_group(block, frame_stride, weights[k], t, sums[k, row, start:stop])
            for t in range(grouped, n):
                for k in range(len(weights)):
                    _add_one(block, frame_stride, weights[k], t, sums[k, row, start:stop])


@numba.njit()
def _add_one(block: Array, frame_stride: int, weights: Array, t: int, sums: Array) -> None:
    weight = weights[t]
    if weight == 0:
        return
    frame = block[t * frame_stride :]
    for i in range(sums.size):
        sums[i] += weight * frame[i]


@numba.njit()
def _add_group(block: Array, frame_stride: int, weights: Array, t: int, sums: Array) -> None:
    if not weights[t : t + FRAMES].all():
        for j in range(FRAMES):
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
