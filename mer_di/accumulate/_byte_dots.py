"""Weights as the terms that `mer_di.kernels.byte_dots` adds up, in two digits of base 128.

A digit is at most 64 in size, so that two products of a digit and a pixel stay within 16 bits; they are then multiplied
by the digit's place into 32 bits: every sum is exact.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.kernels import has_avx2
from mer_di.kernels.constants import FRAMES, STRIP

Array = NDArray[Any]

BASE = 128
LARGEST = (BASE // 2 - 1) * (BASE + 1)  # a weight, in size: two digits of -64..63


def serves(pixel: np.dtype[Any], weights: Array, columns: int) -> bool:
    """Whether the kernel can add frames under weights in the dtype of the sums, in rows of so many pixels."""
    return (
        pixel == np.uint8
        and weights.dtype == np.int32
        and columns >= STRIP
        and int(np.abs(weights).max()) <= LARGEST
        and has_avx2()
    )


def terms(weights: Array) -> tuple[Array, Array]:
    """Write weights (K, n) as the terms that each pass adds up.

    Returns
    -------
    ndarray of int32, shape (terms, 4)
        One pass after the other, without those that are zero. Of a term the digits of four frames and of the next
        four, a byte each; its place, 1 or 128, as two 16-bit numbers; the row that it belongs to. The last pass is
        filled up with frames of weight zero.
    ndarray of intp, shape (passes,)
        How many terms each pass has.
    """
    rows, n = weights.shape
    whole = np.zeros((rows, n + -n % FRAMES), np.int32)
    whole[:, :n] = weights
    low = (whole + BASE // 2) % BASE - BASE // 2
    digits = np.stack([low, (whole - low) // BASE]).astype(np.int8)
    by_pass = digits.reshape(2, rows, -1, FRAMES).transpose(2, 0, 1, 3)
    table = np.empty((*by_pass.shape[:3], 4), np.int32)
    table[..., :2] = np.ascontiguousarray(by_pass).view(np.int32)
    table[..., 2] = np.array([[1], [BASE]]) * 0x10001
    table[..., 3] = np.arange(rows)
    used = by_pass.any(axis=3)
    return table[used], used.sum(axis=(1, 2))
