"""Weights of rank pooling: a dynamic image is a row of weights over frames, and this is where the rows come from.

Each scheme maps a number of frames T to T weights α_1..α_T (t is 1-based in the formulas, as in the papers).
All but `harmonic_legacy` sum to zero: a frame that never changes contributes nothing.

Rows of floats are kept on a binary grid: they are rounded to a multiple of a power of two near Σ|α|·2⁻⁴⁶ and the
last units are placed so that the row sums to *exactly* what its formula sums to. So a motionless clip gives
exactly zero, and `mer_di.accumulate` sums such rows over integer frames without any rounding. The rounding is
below 10⁻¹³ of Σ|α|. (Rejected: subtracting a reference frame. It needs a reference per phase, and a tolerance that
decides which rows "sum to zero".)
"""

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError

Weights = NDArray[np.int64] | NDArray[np.float64]
Reversal = Literal["time", "sign"]

_GRID_BITS = 46  # with 16-bit pixels 62 bits: exact in int64, and with 8-bit pixels also in float64


def arp(n_frames: int) -> NDArray[np.int64]:
    """Return the simplified weights of approximate rank pooling, 2t − T − 1.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.

    Returns
    -------
    ndarray of int64, shape (T,)
        Antisymmetric, sums to zero; a single frame gets 0.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1.

    Notes
    -----
    Khuong et al., DIANet, 2025, Eq. 2. The weights are the sum of all later-minus-earlier differences
    Σ_{j<k} (F_k − F_j).

    Examples
    --------
    >>> arp(4)
    array([-3, -1,  1,  3])
    """
    n = _count("n_frames", n_frames)
    return 2 * np.arange(1, n + 1, dtype=np.int64) - n - 1


def reversed_arp(n_frames: int) -> NDArray[np.int64]:
    """Return the weights of the fading phase, T + 1 − 2t: `arp` on the time-reversed frames.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.

    Returns
    -------
    ndarray of int64, shape (T,)
        Antisymmetric, sums to zero; exactly ``-arp(n_frames)``.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1.

    Notes
    -----
    Khuong et al., DIANet, 2025, Eq. 3.
    """
    return -arp(n_frames)


def harmonic_arp(n_frames: int) -> NDArray[np.float64]:
    """Return the weights of approximate rank pooling of running means, Σ_{i=t}^{T} (2i − T − 1)/i.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.

    Returns
    -------
    ndarray of float64, shape (T,)
        Sums to zero exactly; neither antisymmetric nor monotone. A single frame gets 0.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1.

    Notes
    -----
    Bilen et al., Dynamic Image Networks, CVPR 2016: the later-minus-earlier differences of the means of frames
    1..t. Their program gives a single frame the weight 1 (the frame itself); the formula gives 0.
    """
    i = np.arange(1, _count("n_frames", n_frames) + 1)
    return _on_grid(_sums_to_the_end((2 * i - i.size - 1) / i))


def harmonic_legacy(n_frames: int) -> NDArray[np.float64]:
    """Return the weights of a widely copied, mistaken port of `harmonic_arp`, Σ_{i=t}^{T} (2i − T)/i.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.

    Returns
    -------
    ndarray of float64, shape (T,)
        Sums to T, not to zero.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1.

    Notes
    -----
    The formula has lost its "− 1". That adds Σ_{i=t}^{T} 1/i to the weight of frame t, in sum T: the image is the
    correct one plus T times a weighted mean of the frames, a static face on which the motion is a faint trace. A
    motionless clip gives T times its frame. Offered to explain results obtained with that port.
    """
    i = np.arange(1, _count("n_frames", n_frames) + 1)
    return _on_grid(_sums_to_the_end((2 * i - i.size) / i))


def active_image(n_frames: int) -> NDArray[np.int64]:
    """Return the weights of the active image, max(0, t − 2) − max(0, T − t − 1).

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.

    Returns
    -------
    ndarray of int64, shape (T,)
        Antisymmetric, sums to zero; all zero for fewer than three frames.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1.

    Notes
    -----
    Verma et al., OrigiNet, IJCNN 2020, as its program computes it: the differences F_j − F_k of all frames at least
    two apart. In the interior that is `arp`.
    """
    n = _count("n_frames", n_frames)
    t = np.arange(1, n + 1, dtype=np.int64)
    return np.maximum(0, t - 2) - np.maximum(0, n - t - 1)


SCHEMES: Mapping[str, Callable[[int], Weights]] = MappingProxyType(
    {scheme.__name__: scheme for scheme in (arp, reversed_arp, harmonic_arp, harmonic_legacy, active_image)}
)


def temporal_normalization(length: int, n_frames: int) -> NDArray[np.float64]:
    """Return the matrix that resamples T frames linearly to L frames.

    Parameters
    ----------
    length : int
        Frames after resampling, L, at least 1.
    n_frames : int
        Frames before, T, at least 1.

    Returns
    -------
    ndarray of float64, shape (L, T)
        Row l holds the frames that make up resampled frame l. Rows sum to 1; the first and the last frame are kept.
        With L = 1 the only row is the middle of the clip, with T = 1 every row is that frame.

    Raises
    ------
    InputError
        If an argument is not an integer of at least 1.
    """
    rows, columns = _count("length", length), _count("n_frames", n_frames)
    # positions as integers over a common denominator: a position on a frame takes nothing of the next
    steps, denominator = (np.arange(rows) * (columns - 1), rows - 1) if rows > 1 else (np.array([columns - 1]), 2)
    before, rest = np.divmod(steps, denominator)
    share = rest / denominator
    matrix = np.zeros((rows, columns))
    matrix[np.arange(rows), before] = 1 - share
    matrix[np.arange(rows), np.minimum(before + 1, columns - 1)] += share
    return matrix


def scheme_weights(n_frames: int, *, scheme: str = "arp", temporal_length: int | None = None) -> Weights:
    """Return the weights of a named scheme over a whole clip.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.
    scheme : str
        A name in `SCHEMES`.
    temporal_length : int, optional
        Weigh the clip as if it were first resampled to this many frames, L. No frame is resampled: with w the L
        weights and R = ``temporal_normalization(L, T)``, the row is w R.

    Returns
    -------
    ndarray of int64 or float64, shape (T,)
        Integers as long as the scheme's weights are integers and R selects frames without mixing them.

    Raises
    ------
    InputError
        If the scheme is unknown, or a number is not an integer of at least 1.
    """
    if scheme not in SCHEMES:
        raise InputError(f"scheme is {scheme!r}; expected one of {', '.join(SCHEMES)}")
    if temporal_length is None:
        return SCHEMES[scheme](n_frames)
    length = _count("temporal_length", temporal_length)
    weights = SCHEMES[scheme](length)
    matrix = temporal_normalization(length, n_frames)
    # not `@`: the order in which BLAS sums differs between machines
    row = np.sum(weights[:, np.newaxis] * matrix, axis=0)
    selects = np.array_equal(matrix, np.rint(matrix))
    return row.astype(np.int64) if selects and weights.dtype == np.int64 else _on_grid(row)


def phase_weights(
    n_frames: int,
    onset_phase: range,
    offset_phase: range,
    *,
    scheme: str = "arp",
    reversal: Reversal = "time",
    temporal_length: int | None = None,
) -> Weights:
    """Return the weights of both phases' dynamic images and of the whole clip's.

    Parameters
    ----------
    n_frames : int
        Number of frames of the clip T, at least 1.
    onset_phase, offset_phase : range
        0-based positions of the phases' frames in the clip, as `mer_di.phases.split` gives them.
    scheme : str
        A name in `SCHEMES`.
    reversal : {"time", "sign"}
        What becomes of the scheme in the fading phase: ``time`` weighs the time-reversed phase (with ``arp``
        this is the paper's Eq. 3), ``sign`` negates the weights. They differ unless the scheme is antisymmetric.
    temporal_length : int, optional
        Resample each phase, and the whole clip, linearly to this many frames, folded into the weights.

    Returns
    -------
    ndarray of int64 or float64, shape (3, T)
        Rows onset, offset, full; zero outside the phase. Float64 if any row needs it.

    Raises
    ------
    InputError
        If a name is unknown, a number is not an integer of at least 1, or a phase is empty or not within the clip.

    Notes
    -----
    Khuong et al., DIANet, 2025, Eqs. 2 and 3.

    Examples
    --------
    >>> phase_weights(5, range(0, 3), range(2, 5))
    array([[-2,  0,  2,  0,  0],
           [ 0,  0,  2,  0, -2],
           [-4, -2,  0,  2,  4]])
    """
    if reversal not in ("time", "sign"):
        raise InputError(f"reversal is {reversal!r}; expected 'time' or 'sign'")
    clip = range(_count("n_frames", n_frames))
    rising, fading, full = (
        scheme_weights(_phase_length(name, phase, clip), scheme=scheme, temporal_length=temporal_length)
        for name, phase in (("onset", onset_phase), ("offset", offset_phase), ("full", clip))
    )
    fading = fading[::-1] if reversal == "time" else -fading
    rows = np.zeros((3, len(clip)), np.result_type(rising, fading, full))
    rows[0, onset_phase.start : onset_phase.stop] = rising
    rows[1, offset_phase.start : offset_phase.stop] = fading
    rows[2] = full
    return rows


def _count(name: str, value: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError(f"{name} is {value!r}; expected an integer of at least 1")
    return count


def _phase_length(name: str, phase: range, clip: range) -> int:
    if len(phase) == 0 or phase.step != 1 or phase.start not in clip or phase[-1] not in clip:
        raise InputError(f"the {name} phase is {phase}; expected consecutive positions within {clip}")
    return len(phase)


def _sums_to_the_end(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(terms[::-1])[::-1]


def _on_grid(row: NDArray[np.float64]) -> NDArray[np.float64]:
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
