"""Rows for the images of a clip: a scheme over its phases, each at its own length or resampled to one."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mer_di.arguments import one_of, whole_number
from mer_di.errors import InputError
from mer_di.rank_pooling.exact import Weights, frame_count, on_grid
from mer_di.rank_pooling.schemes import SCHEMES

Reversal = Literal["time", "sign"]


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
    rows, columns = frame_count("length", length), frame_count("n_frames", n_frames)
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
        weights and R = ``temporal_normalization(L, T)``, the row is w R. At least 2.

    Returns
    -------
    ndarray of int64 or float64, shape (T,)
        Integers as long as the scheme's weights are integers and R selects frames without mixing them.

    Raises
    ------
    InputError
        If the scheme is unknown, or a number is no integer or too small.
    """
    one_of("scheme", scheme, SCHEMES)
    if temporal_length is None:
        return SCHEMES[scheme](n_frames)
    length = whole_number("temporal_length", temporal_length, at_least=2)  # one frame has no motion
    weights = SCHEMES[scheme](length)
    matrix = temporal_normalization(length, n_frames)
    # not `@`: the order in which BLAS sums differs between machines
    row = np.sum(weights[:, np.newaxis] * matrix, axis=0)
    selects = np.array_equal(matrix, np.rint(matrix))
    return row.astype(np.int64) if selects and weights.dtype == np.int64 else on_grid(row)


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
    one_of("reversal", reversal, get_args(Reversal))
    clip = range(frame_count("n_frames", n_frames))
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


def _phase_length(name: str, phase: range, clip: range) -> int:
    if (
        not isinstance(phase, range)
        or len(phase) == 0
        or phase.step != 1
        or phase.start not in clip
        or phase[-1] not in clip
    ):
        raise InputError(f"the {name} phase is {phase}; expected consecutive positions within {clip}")
    return len(phase)
