"""A warp: blur an image, then read it bilinearly where the crop's pixels come from.

Tile by tile, so that what a tile needs stays in the cache; or, if rows stay rows, row by row and an axis at a time: the
same operations in the same order, so the same bits, in 0.6 of the time.
"""

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
    places: Array,
    shares: Floats,
    crop: Array,
) -> None:
    """Fill a crop (S, S, C) from an image (H, W·C); what comes before it has room for what a tile needs."""
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
            _interpolate(smooth, channels, inverse, corners, top, left, height, width, places, shares, crop)


def resample_straight(
    pixels: Array,
    channels: int,
    across: Floats,
    down: Floats,
    places: Array,
    shares: Floats,
    line: Floats,
    lines: Floats,
    smooth: Floats,
    read: Floats,
    crop: Array,
) -> None:
    """Fill a crop (S, S·C) from an image (H, W·C) by a matrix without rotation, shear or reflection.

    ``places`` and ``shares``, (2, S): source column left of each crop column and source row above each crop row, -1
    outside, and how far the next ones count. ``lines`` has room for ``down.size`` blurred rows, ``read`` for two that
    are read across.
    """
    size, beyond = len(crop), down.size // 2
    width = pixels.shape[1] // channels
    blurred, done = -beyond - 1, -1  # the last row, beyond the edge or not, that is in ``lines``, and in ``read``
    for row in range(size):
        y = places[1, row]
        if y < 0:
            crop[row] = 0
            continue
        for wanted in range(max(y, done + 1), y + 2):
            for near in range(max(blurred + 1, wanted - beyond), wanted + beyond + 1):
                _widen(pixels[min(max(near, 0), len(pixels) - 1)], channels, 0, width + 1, across.size // 2, line)
                _weigh_row(line, channels, across, lines[(near + beyond) % down.size])
                blurred = near
            _weigh_ring(lines, wanted, down, smooth)
            if channels == 3:  # numbers that the compiler knows: loops are unrolled
                _read_across(smooth, 3, places[0], shares[0], read[wanted % 2])
            elif channels == 1:
                _read_across(smooth, 1, places[0], shares[0], read[wanted % 2])
            else:
                _read_across(smooth, channels, places[0], shares[0], read[wanted % 2])
            done = wanted
        upper, lower, share, out = read[y % 2], read[(y + 1) % 2], shares[1, row], crop[row]
        for i in range(out.size):
            out[i] = upper[i] + share * (lower[i] - upper[i])


@numba.njit()
def _weigh_ring(lines: Floats, row: int, weights: Floats, out: Floats) -> None:
    """Weigh the rows around one; row ``n`` of the image, less the reach, is at ``n`` modulo their number."""
    n = weights.size
    if n == 3:
        _weigh_three(lines[row % 3], lines[(row + 1) % 3], lines[(row + 2) % 3], weights, out)
    elif n == 5:
        first, second = lines[row % 5], lines[(row + 1) % 5]
        _weigh_five(first, second, lines[(row + 2) % 5], lines[(row + 3) % 5], lines[(row + 4) % 5], weights, out)
    else:
        for j in range(n):
            _weigh_one(lines[(row + j) % n], weights[j], j, out)


@numba.njit()
def _read_across(smooth: Floats, channels: int, places: Array, shares: Floats, out: Floats) -> None:
    for k in range(len(places)):
        near = places[k] * channels
        for c in range(channels):
            here = smooth[near + c]
            out[k * channels + c] = here + shares[k] * (smooth[near + channels + c] - here) if near >= 0 else 0.0


@numba.njit()
def _needed(inverse: Floats, corners: tuple[int, int, int, int], length: int) -> tuple[int, int]:
    """Return the first source pixel along one axis that a tile needs, and the one after the last.

    The last may be the first beyond the edge: every pixel that is read has a next one.
    """
    first_row, last_row, first_column, last_column = corners
    a, b = inverse[0] * first_column, inverse[0] * last_column
    c, d = inverse[1] * first_row, inverse[1] * last_row
    low = min(a, b) + min(c, d) + inverse[2]
    high = max(a, b) + max(c, d) + inverse[2]
    first = min(max(np.floor(low) - 1, 0.0), length - 1.0)  # a pixel to spare for rounding
    last = min(max(np.floor(high) + 2, 1.0), float(length))
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
    if weights.size == 3:
        _weigh_three(line, line[channels:], line[2 * channels :], weights, out)
    elif weights.size == 5:
        first, second, third = line, line[channels:], line[2 * channels :]
        _weigh_five(first, second, third, line[3 * channels :], line[4 * channels :], weights, out)
    else:
        for j in range(weights.size):
            _weigh_one(line[j * channels :], weights[j], j, out)


@numba.njit()
def _weigh_column(lines: Floats, weights: Floats, out: Floats) -> None:
    if weights.size == 3:
        _weigh_three(lines[0], lines[1], lines[2], weights, out)
    elif weights.size == 5:
        _weigh_five(lines[0], lines[1], lines[2], lines[3], lines[4], weights, out)
    else:
        for j in range(weights.size):
            _weigh_one(lines[j], weights[j], j, out)


@numba.njit()
def _weigh_three(first: Floats, second: Floats, third: Floats, weights: Floats, out: Floats) -> None:
    """Weigh in one pass, the usual case: from 1.25 to 1.75 source pixels a crop pixel."""
    a, b, c = weights[0], weights[1], weights[2]
    for i in range(out.size):
        out[i] = a * first[i] + b * second[i] + c * third[i]


@numba.njit()
def _weigh_five(
    first: Floats, second: Floats, third: Floats, fourth: Floats, fifth: Floats, weights: Floats, out: Floats
) -> None:
    """Weigh in one pass, the next usual case: up to 2.25 source pixels a crop pixel."""
    a, b, c, d, e = weights[0], weights[1], weights[2], weights[3], weights[4]
    for i in range(out.size):
        out[i] = a * first[i] + b * second[i] + c * third[i] + d * fourth[i] + e * fifth[i]


@numba.njit()
def _weigh_one(line: Floats, weight: float, position: int, out: Floats) -> None:
    if position == 0:
        for i in range(out.size):
            out[i] = weight * line[i]
    else:
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
    places: Array,
    shares: Floats,
    crop: Array,
) -> None:
    first_row, last_row, first_column, last_column = corners
    for row in range(first_row, last_row + 1):
        _locate(inverse, row, first_column, last_column, height, width, places, shares)
        if channels == 3:  # a number that the compiler knows: its loops are unrolled
            _read(smooth, 3, top, left, places, shares, crop[row, first_column : last_column + 1])
        elif channels == 1:
            _read(smooth, 1, top, left, places, shares, crop[row, first_column : last_column + 1])
        else:
            _read(smooth, channels, top, left, places, shares, crop[row, first_column : last_column + 1])


@numba.njit()
def _locate(
    inverse: Floats,
    row: int,
    first_column: int,
    last_column: int,
    height: int,
    width: int,
    places: Array,
    shares: Floats,
) -> None:
    """Find the source pixel left of and above each crop pixel of a row, -1 outside, and how far the next ones count."""
    for k in range(last_column + 1 - first_column):
        column = first_column + k
        x = inverse[0, 0] * column + inverse[0, 1] * row + inverse[0, 2]
        y = inverse[1, 0] * column + inverse[1, 1] * row + inverse[1, 2]
        inside = (x >= -EDGE) & (x <= width - 1 + EDGE) & (y >= -EDGE) & (y <= height - 1 + EDGE)
        x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
        i, j = np.int32(x), np.int32(y)
        places[0, k], places[1, k] = i if inside else np.int32(-1), j
        shares[0, k], shares[1, k] = x - i, y - j


@numba.njit()
def _read(smooth: Floats, channels: int, top: int, left: int, places: Array, shares: Floats, crop: Array) -> None:
    for k in range(len(crop)):
        if places[0, k] < 0:
            crop[k] = 0
            continue
        near = (places[0, k] - left) * channels
        upper, lower = smooth[places[1, k] - top], smooth[places[1, k] - top + 1]
        for c in range(channels):
            # a + share·(b - a) is exact where both are equal, so constants stay
            above = upper[near + c] + shares[0, k] * (upper[near + channels + c] - upper[near + c])
            below = lower[near + c] + shares[0, k] * (lower[near + channels + c] - lower[near + c])
            crop[k, c] = above + shares[1, k] * (below - above)
