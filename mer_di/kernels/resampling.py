"""A warp, tile by tile: blur what the tile needs of an image, then read it bilinearly where its pixels come from."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mer_di.kernels.constants import EDGE, TILE

Array = NDArray[Any]
Floats = NDArray[np.float64]


def resample(
    pixels: Array,
    channels: int,
    inverse: Floats,
    across: Floats,
    down: Floats,
    line: Floats,
    lines: Floats,
    smooth: Floats,
    crop: Array,
) -> None:
    """Fill a crop (S, S, C) from an image (H, W·C); ``line``, ``lines`` and ``smooth`` have room for a tile."""
    size = len(crop)
    height, width = len(pixels), pixels.shape[1] // channels
    for first_row in range(0, size, TILE):
        last_row = min(first_row + TILE, size) - 1
        for first_column in range(0, size, TILE):
            last_column = min(first_column + TILE, size) - 1
            corners = first_row, last_row, first_column, last_column
            left, right = _needed(inverse[0], corners, width)
            top, bottom = _needed(inverse[1], corners, height)
            _blur(pixels, channels, across, down, top, bottom, left, right, line, lines, smooth)
            _interpolate(smooth, channels, inverse, corners, top, left, height, width, crop)


@numba.njit()
def _needed(inverse: Floats, corners: tuple[int, int, int, int], length: int) -> tuple[int, int]:
    """Return the first source pixel along one axis that a tile needs, and the one after the last."""
    first_row, last_row, first_column, last_column = corners
    a, b = inverse[0] * first_column, inverse[0] * last_column
    c, d = inverse[1] * first_row, inverse[1] * last_row
    low = min(a, b) + min(c, d) + inverse[2]
    high = max(a, b) + max(c, d) + inverse[2]
    first = min(max(np.floor(low) - 1, 0.0), length - 1.0)  # a pixel to spare for rounding
    last = min(max(np.floor(high) + 2, 0.0), length - 1.0)
    return int(first), int(last) + 1


@numba.njit()
def _blur(
    pixels: Array,
    channels: int,
    across: Floats,
    down: Floats,
    top: int,
    bottom: int,
    left: int,
    right: int,
    line: Floats,
    lines: Floats,
    smooth: Floats,
) -> None:
    """Blur rows top..bottom-1 and columns left..right-1 of an image into the corner of ``smooth``."""
    beyond = down.size // 2
    for y in range(top - beyond, bottom + beyond):
        _widen(pixels[min(max(y, 0), len(pixels) - 1)], channels, left, right, across.size // 2, line)
        _weigh_row(line, channels, across, lines[y - top + beyond, : (right - left) * channels])
    for y in range(bottom - top):
        _weigh_column(lines[y:], down, smooth[y, : (right - left) * channels])


@numba.njit()
def _widen(row: Array, channels: int, left: int, right: int, reach: int, line: Floats) -> None:
    """Copy a piece of a row and its surroundings; beyond the edge the edge pixel repeats."""
    start, stop = max(left - reach, 0), min(right + reach, row.size // channels)
    i = 0
    for _ in range(start - (left - reach)):
        for c in range(channels):
            line[i] = row[c]
            i += 1
    piece = row[start * channels : stop * channels]
    copy = line[i : i + piece.size]
    for j in range(piece.size):
        copy[j] = piece[j]
    i += piece.size
    for _ in range(right + reach - stop):
        for c in range(channels):
            line[i] = row[row.size - channels + c]
            i += 1


@numba.njit()
def _weigh_row(line: Floats, channels: int, weights: Floats, out: Floats) -> None:
    for i in range(out.size):
        out[i] = weights[0] * line[i]
    for j in range(1, weights.size):
        shifted_line, weight = line[j * channels :], weights[j]
        for i in range(out.size):
            out[i] += weight * shifted_line[i]


@numba.njit()
def _weigh_column(lines: Floats, weights: Floats, out: Floats) -> None:
    for i in range(out.size):
        out[i] = weights[0] * lines[0, i]
    for j in range(1, weights.size):
        line, weight = lines[j], weights[j]
        for i in range(out.size):
            out[i] += weight * line[i]


@numba.njit()
def _interpolate(
    smooth: Floats,
    channels: int,
    inverse: Floats,
    corners: tuple[int, int, int, int],
    top: int,
    left: int,
    height: int,
    width: int,
    crop: Array,
) -> None:
    first_row, last_row, first_column, last_column = corners
    for row in range(first_row, last_row + 1):
        for column in range(first_column, last_column + 1):
            x = inverse[0, 0] * column + inverse[0, 1] * row + inverse[0, 2]
            y = inverse[1, 0] * column + inverse[1, 1] * row + inverse[1, 2]
            if not (-EDGE <= x <= width - 1 + EDGE and -EDGE <= y <= height - 1 + EDGE):
                crop[row, column] = 0
                continue
            x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
            i, j = int(x), int(y)
            upper, lower = smooth[j - top], smooth[min(j + 1, height - 1) - top]
            near, step = (i - left) * channels, channels * min(1, width - 1 - i)
            for c in range(near, near + channels):
                # a + share·(b - a) is exact where both are equal, so constants stay
                above = upper[c] + (x - i) * (upper[c + step] - upper[c])
                below = lower[c] + (x - i) * (lower[c + step] - lower[c])
                crop[row, column, c - near] = above + (y - j) * (below - above)
