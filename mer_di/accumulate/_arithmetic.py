"""In which numbers weighted sums are held, decided from the weights and the frames' dtype alone."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import plain_array
from mer_di.errors import InputError

Array = NDArray[Any]

# What kernels read; frames of other dtypes are converted one at a time, without loss.
_PIXELS = {
    np.dtype(given): np.dtype(read)
    for given, read in (
        ("uint8", "uint8"),
        ("uint16", "uint16"),
        ("int8", "int32"),
        ("int16", "int32"),
        ("int32", "int32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    )
}
_BRIGHTEST = {dtype: max(np.iinfo(dtype).max, -np.iinfo(dtype).min) for dtype in _PIXELS if dtype.kind in "iu"}


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic:
    """How one stream of frames is summed.

    Attributes
    ----------
    pixels : numpy.dtype
        To which frames are converted, without loss.
    weights : ndarray, shape (K, T)
        In the dtype of the sums: int32, int64 or float64.
    shift : int or None
        For float weights held as integers: the sums are those of the weights times 2**shift.
    """

    pixels: np.dtype[Any]
    weights: Array
    shift: int | None = None

    def result(self, sums: Array) -> Array:
        """Return what the sums stand for."""
        return sums if self.shift is None else np.ldexp(sums.astype(np.float64), -self.shift)


def checked_weights(weights: ArrayLike) -> Array:
    """Return weights as an int64 or float64 array of shape (K, T), or raise InputError."""
    given = plain_array("weights", weights)
    if given.ndim not in (1, 2) or given.size == 0:
        raise InputError(f"weights have shape {given.shape}; expected (T,) or (K, T), at least one row and one frame")
    if given.dtype.kind not in "iuf" or given.dtype.itemsize > 8 or (given.dtype == np.uint64 and given.max() >> 63):
        raise InputError(f"weights have dtype {given.dtype}; expected integers that fit int64, or float64")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise InputError("a weight is not finite; expected finite weights")
    return np.atleast_2d(given).astype(np.float64 if given.dtype.kind == "f" else np.int64)


def choose(weights: Array, frames: np.dtype[Any]) -> Arithmetic:
    """Choose the narrowest arithmetic that is exact for every frame of a dtype, else float64.

    Raises
    ------
    InputError
        If the dtype is not supported, or integer sums could exceed int64.
    """
    dtype = frames.newbyteorder("=")
    if dtype not in _PIXELS:
        raise InputError(f"frames have dtype {frames}; expected one of {', '.join(map(str, _PIXELS))}")
    pixels = _PIXELS[dtype]
    if dtype.kind == "f":
        return Arithmetic(pixels, weights.astype(np.float64))
    brightest = _BRIGHTEST[dtype]
    if weights.dtype == np.float64:
        return _fixed_point(pixels, weights, brightest)
    bound = brightest * max(sum(map(abs, row)) for row in weights.tolist())
    for total, bits in ((np.int32, 31), (np.int64, 63)):
        if bound < 1 << bits:
            return Arithmetic(pixels, weights.astype(total))
    raise InputError(
        f"sums of {frames} frames under these weights can reach {bound}, more than int64 holds; "
        "give smaller weights, or weights as float64"
    )


def _fixed_point(pixels: np.dtype[Any], weights: Array, brightest: int) -> Arithmetic:
    """Float weights on a common binary grid are integers in disguise; others are summed in float64."""
    with np.errstate(over="ignore"):
        bound = brightest * float(np.abs(weights).sum(axis=1).max())
    shift = 63 - math.frexp(bound)[1]
    if not math.isfinite(bound) or shift < 0:
        return Arithmetic(pixels, weights)
    scaled = np.ldexp(weights, shift)
    if not np.array_equal(scaled, np.rint(scaled)):
        return Arithmetic(pixels, weights)
    return Arithmetic(pixels, scaled.astype(np.int64), shift)
