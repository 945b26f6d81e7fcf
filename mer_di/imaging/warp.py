"""From frame to crop: one anti-aliased warp that is linear in the image, by a matrix of `mer_di.imaging.placement`."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import plain_array
from mer_di.errors import InputError, SampleError
from mer_di.imaging.placement import Matrix
from mer_di.kernels import kernel
from mer_di.kernels.constants import EDGE, TILE
from mer_di.memory import empty

Floats = NDArray[np.float64]

_READ_IN_PLACE = ("uint8", "int32")  # frames and their sums; other numbers are converted to float64
_RESAMPLE = (
    "void({pixel}[:,:], intp, float64[:,::1], float64[::1], float64[::1], "
    "float64[::1], float64[:,::1], float64[:,::1], int32[:,::1], float64[:,::1], float32[:,:,::1])"
)
_RESAMPLE_STRAIGHT = (
    "void({pixel}[:,:], intp, float64[::1], float64[::1], int32[:,::1], float64[:,::1], "
    "float64[::1], float64[:,::1], float64[::1], float64[:,::1], float32[:,::1])"
)
_TRUNCATE = 4.0  # the Gaussian ends at this many sigmas, as in SciPy and scikit-image


def region(matrix: ArrayLike, size: int, height: int, width: int) -> tuple[slice, slice]:
    """Find the part of the frame that can influence the crop, the anti-aliasing filter's reach included.

    ``warp(frame[region], shifted(matrix, *region), size)`` is ``warp(frame, matrix, size)``.

    Parameters
    ----------
    matrix : array_like, shape (2, 3)
        Frame to crop.
    size : int
        Side of the crop in pixels.
    height, width : int
        Size of the frame in pixels.

    Returns
    -------
    rows, columns : slice
        Within the frame, with integer start and stop.

    Raises
    ------
    InputError
        If the matrix has no inverse.
    SampleError
        ``face-outside-frame``: no pixel of the crop lies inside the frame.
    """
    inverse = _inverse(matrix)
    x, y = _sources(inverse, np.array([0.0, size - 1]))  # of the corners: if they are inside, everything is
    inside = _inside(x, y, height, width)
    if not inside.all():
        x, y = _sources(inverse, np.arange(size, dtype=np.float64))
        inside = _inside(x, y, height, width)
    if not inside.any():
        raise SampleError(
            "face-outside-frame",
            f"the crop covers x {x.min():.0f}..{x.max():.0f}, y {y.min():.0f}..{y.max():.0f} and misses the frame of "
            f"{width} × {height}; look at the landmarks, or use --align none",
        )
    return _footprint(x[inside], y[inside], _sigmas(inverse), height, width)


def shifted(matrix: ArrayLike, rows: slice, columns: slice) -> Matrix:
    """Rewrite a matrix for ``frame[rows, columns]``, which keeps the crop where it is.

    Parameters
    ----------
    matrix : array_like, shape (2, 3)
        Frame to crop.
    rows, columns : slice
        As :func:`region` returns them; ``start`` counts from the frame's first row or column.

    Returns
    -------
    ndarray of float64, shape (2, 3)
        Sub-image to crop.
    """
    moved = np.array(matrix, np.float64)
    moved[:, 2] += moved[:, :2] @ (columns.start or 0, rows.start or 0)
    return moved


def warp(image: ArrayLike, matrix: ArrayLike, size: int) -> NDArray[np.float32]:
    """Resample an image into a square crop; linear in the image, so it commutes with weighted sums of frames.

    Along each axis of the frame, with f = frame pixels a crop pixel: where f > 1 a Gaussian of σ = (f - 1) / 2, cut at
    4σ, comes first against aliasing (the rule of ``skimage.transform.resize``); then bilinear interpolation. Both
    repeat the edge pixel beyond the edge and keep constants. Computed in float64 and rounded once, because OpenCV's own
    bilinear warp is off by up to 3·10⁻⁵ pixel in float32 and 1/64 pixel in float64.

    Parameters
    ----------
    image : array_like of integer or float, shape (H, W) or (H, W, C)
        Any range, such as the raw sums of a dynamic image.
    matrix : array_like, shape (2, 3)
        Frame to crop.
    size : int
        Side of the crop in pixels.

    Returns
    -------
    ndarray of float32, shape (size, size) or (size, size, C)
        Zero where the crop lies outside the image.

    Raises
    ------
    InputError
        If the image has another shape, is empty or no number, or the matrix has no inverse.
    """
    pixels = _checked(image)
    return Warp(matrix, size, *pixels.shape[:2])(pixels)


class Warp:
    """What `warp` does, made ready for several images of one size.

    Parameters
    ----------
    matrix : array_like, shape (2, 3)
        Frame to crop.
    size : int
        Side of the crop in pixels.
    height, width : int
        Of the images, in pixels.

    Raises
    ------
    InputError
        If the matrix has no inverse.
    """

    def __init__(self, matrix: ArrayLike, size: int, height: int, width: int) -> None:
        self._size, self._frame = size, (height, width)
        self._inverse = inverse = _inverse(matrix)
        self._across, self._down = map(_gaussian, _sigmas(inverse))
        self._keeps_rows = inverse[0, 1] == inverse[1, 0] == 0 and inverse[0, 0] > 0 and inverse[1, 1] > 0
        if self._keeps_rows:
            self._where, self._shares = _straight_sources(inverse, size, height, width)

    def __call__(self, image: ArrayLike) -> NDArray[np.float32]:
        """Resample an image; see `warp`."""
        pixels = _checked(image)
        if pixels.shape[:2] != self._frame:
            raise InputError(f"image has shape {pixels.shape}; expected {self._frame} pixels, for which this warp is")
        crop: NDArray[np.float32] = empty((self._size, self._size, *pixels.shape[2:]), np.float32)
        if pixels.dtype.name not in _READ_IN_PLACE:
            pixels = pixels.astype(np.float64)
        fill = self._fill_straight if self._keeps_rows else self._fill
        fill(pixels.reshape(*self._frame, -1), crop.reshape(self._size, self._size, -1))
        return crop

    def _fill(self, pixels: NDArray[Any], crop: NDArray[np.float32]) -> None:
        """Fill a crop (S, S, C) from an image (H, W, C)."""
        height, width, channels = pixels.shape
        tile = min(self._size, TILE)
        columns, rows = (_extent(self._inverse[axis], tile, length) for axis, length in ((0, width), (1, height)))
        line = np.empty((columns + self._across.size - 1) * channels)
        lines = empty((rows + self._down.size - 1, columns * channels), np.float64)
        smooth = empty((rows, columns * channels), np.float64)
        sources = np.empty((2, tile), np.int32), np.empty((2, tile))
        fill = kernel("resampling", "resample", _RESAMPLE.format(pixel=pixels.dtype))
        blur = self._across, self._down, line, lines, smooth
        fill(pixels.reshape(height, -1), channels, self._inverse, *blur, *sources, crop)

    def _fill_straight(self, pixels: NDArray[Any], crop: NDArray[np.float32]) -> None:
        height, width, channels = pixels.shape
        columns = (width + 1) * channels
        line = np.empty(columns + (self._across.size - 1) * channels)
        lines, smooth, read = np.empty((self._down.size, columns)), np.empty(columns), np.empty((2, crop[0].size))
        fill = kernel("resampling", "resample_straight", _RESAMPLE_STRAIGHT.format(pixel=pixels.dtype))
        blur = self._across, self._down, self._where, self._shares, line, lines, smooth
        fill(pixels.reshape(height, -1), channels, *blur, read, crop.reshape(self._size, -1))


def to_uint8(image: ArrayLike) -> NDArray[np.uint8]:
    """Round to the nearest integer (halves to even) and clip to 0..255, to show or store a warped frame.

    Parameters
    ----------
    image : array_like of float
        Grey levels, any shape.

    Returns
    -------
    ndarray of uint8
        Same shape.
    """
    levels = np.asarray(image)
    rounded: NDArray[Any] = np.rint(levels, out=empty(levels.shape, levels.dtype))
    return np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)


def _checked(image: ArrayLike) -> NDArray[Any]:
    pixels = plain_array("image", image)
    if pixels.ndim not in (2, 3) or not pixels.size or pixels.dtype.kind not in "iuf":
        raise InputError(
            f"image is {pixels.dtype} of shape {pixels.shape}; expected numbers of shape (H, W) or (H, W, C)"
        )
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))


def _straight_sources(inverse: Matrix, size: int, height: int, width: int) -> tuple[NDArray[np.int32], Floats]:
    """Return the column left of each crop column and the row above each crop row, -1 outside; the next ones' share."""
    scale, start = inverse[[0, 1], [0, 1], np.newaxis], inverse[:, 2:]
    last = np.array([[width - 1.0], [height - 1.0]])
    sources = scale * np.arange(size) + start
    inside = (sources >= -EDGE) & (sources <= last + EDGE)
    sources = np.clip(sources, 0.0, last)
    places = sources.astype(np.int32)
    return np.where(inside, places, np.int32(-1)), sources - places


def _extent(inverse: Floats, tile: int, length: int) -> int:
    """Bound the number of source pixels along one axis that a tile can need."""
    return min(int(tile * (abs(inverse[0]) + abs(inverse[1])) + 5), length + 1)


def _inverse(matrix: ArrayLike) -> Matrix:
    forward = plain_array("matrix", matrix).astype(np.float64)
    if forward.shape != (2, 3) or not np.isfinite(forward).all():
        raise InputError(f"matrix is {forward.tolist()}; expected two rows of three finite numbers")
    try:
        linear = np.linalg.inv(forward[:, :2])
    except np.linalg.LinAlgError as err:
        raise InputError(f"matrix {forward.tolist()} flattens the frame to a line and has no inverse") from err
    if not np.isfinite(linear).all():
        raise InputError(f"matrix {forward.tolist()} has no inverse that float64 holds")
    return np.column_stack([linear, -linear @ forward[:, 2]])


def _sources(inverse: Matrix, positions: Floats) -> tuple[Floats, Floats]:
    """Return x and y in the frame of the crop pixels in rows and columns at n positions, each of shape (n, n)."""
    x, y = (along * positions + across * positions[:, np.newaxis] + start for along, across, start in inverse)
    return x, y


def _inside(x: Floats, y: Floats, height: int, width: int) -> NDArray[np.bool_]:
    return (x >= -EDGE) & (x <= width - 1 + EDGE) & (y >= -EDGE) & (y <= height - 1 + EDGE)


def _sigmas(inverse: Matrix) -> tuple[float, float]:
    """Return the anti-aliasing σ along the frame's x and y: a row's length is frame pixels a crop pixel."""
    across, down = np.hypot(inverse[:, 0], inverse[:, 1])
    return max(0.0, (across - 1) / 2), max(0.0, (down - 1) / 2)


def _reach(sigma: float) -> int:
    return int(_TRUNCATE * sigma + 0.5)


def _footprint(x: Floats, y: Floats, sigmas: tuple[float, float], height: int, width: int) -> tuple[slice, slice]:
    across, down = map(_reach, sigmas)
    return _span(y, down, height), _span(x, across, width)


def _span(coordinates: Floats, reach: int, length: int) -> slice:
    first, last = np.floor(np.clip([coordinates.min(), coordinates.max()], 0, length - 1)).astype(int).tolist()
    return slice(max(0, first - reach), min(length, last + 2 + reach))


def _gaussian(sigma: float) -> Floats:
    reach = _reach(sigma)
    if not reach:
        return np.ones(1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(kernel / kernel.sum(), np.float64)
