"""Rows of floats that sum to exactly what their formulas sum to.

They are rounded to a multiple of a power of two near Σ|α|·2⁻⁴⁶, and the last units are placed so that the row sums to
its formula's integer. So a motionless clip gives exactly zero, and `mer_di.accumulate` sums such rows over integer
frames without any rounding. The rounding is below 10⁻¹³ of Σ|α|. (Rejected: subtracting a reference frame. It needs a
reference per phase, and a tolerance that decides which rows "sum to zero".)
"""

import math

import numpy as np
from numpy.typing import NDArray

from mer_di.arguments import whole_number

Weights = NDArray[np.int64] | NDArray[np.float64]

_GRID_BITS = 46  # with 16-bit pixels 62 bits: exact in int64, and with 8-bit pixels also in float64


def frame_count(name: str, value: int) -> int:
    """Return a number of frames, or refuse what is no integer of at least 1."""
    return whole_number(name, value, at_least=1)


def on_grid(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round a row to a binary grid so that its exact sum is the integer that it should be."""
    _, exponent = math.frexp(float(np.abs(row).sum()))
    scaled = np.ldexp(row, _GRID_BITS - exponent)
    units = np.rint(scaled)
    target = math.ldexp(round(math.fsum(row)), _GRID_BITS - exponent)
    missing = round(target - units.sum())  # at most half a unit a weight
    most_rounded_down_first = np.argsort(units - scaled, kind="stable")
    corrected = most_rounded_down_first[:missing] if missing > 0 else most_rounded_down_first[missing:]
    units[corrected] += np.sign(missing)
    return np.ldexp(units, exponent - _GRID_BITS)
