"""Rows for the images of a clip: a scheme over its phases, each at its own length or resampled to one."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import one_of, plain_array, whole_number
from mer_di.errors import InputError
from mer_di.rank_pooling.exact import Weights, frame_count, on_grid
from mer_di.rank_pooling.magnification import Magnification
from mer_di.rank_pooling.motion import Motion
from mer_di.rank_pooling.schemes import SCHEMES, apex_centred, arp, magnified, motion_ranked

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


def scheme_weights(
    n_frames: int,
    *,
    scheme: str = "arp",
    temporal_length: int | None = None,
    apex: int | None = None,
    motion: ArrayLike | None = None,
    magnification: Magnification | None = None,
) -> Weights:
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
    apex : int, optional
        0-based position around which ``apex_centred`` weighs the clip, the last frame by default; of a resampled clip
        the position that is nearest to it. No other scheme looks at it, but ``motion_ranked`` without a motion.
    motion : array_like of shape (T,), optional
        By which ``motion_ranked`` ranks the frames, see there; of a resampled clip the resampled motion. By default it
        falls with the distance from the apex. No other scheme looks at it.
    magnification : Magnification, optional
        Needed by ``magnified``: the clip is magnified first and resampled then. Refused with other schemes.

    Returns
    -------
    ndarray of int64 or float64, shape (T,)
        Integers as long as the scheme's weights are integers and R selects frames without mixing them.

    Raises
    ------
    InputError
        If the scheme is unknown, a number is no integer or too small, the apex is none of the frames, the motion is
        not as many numbers, or a magnification is missing or one too many.
    """
    require_scheme(scheme, magnification)
    row = _unmagnified(n_frames, scheme, temporal_length, apex, _of_frames(motion, n_frames))
    return row if magnification is None else magnification.weights(row)


def require_scheme(scheme: str, magnification: Magnification | None) -> None:
    """Refuse a scheme that there is not, or one that is told to magnify what it does not, or not told how.

    Raises
    ------
    InputError
        Naming what was found.
    """
    one_of("scheme", scheme, SCHEMES)
    if (scheme == magnified.__name__) != (magnification is not None):
        raise InputError(
            f"scheme is {scheme!r} and magnification {magnification}; scheme {magnified.__name__!r} needs one, with "
            "its band and its factor, and no other scheme takes one"
        )


def phase_weights(
    n_frames: int,
    onset_phase: range,
    offset_phase: range,
    *,
    apex: int | None = None,
    scheme: str = "arp",
    reversal: Reversal = "time",
    temporal_length: int | None = None,
    motion: ArrayLike | None = None,
    magnification: Magnification | None = None,
) -> Weights:
    """Return the weights of both phases' dynamic images and of the whole clip's.

    Parameters
    ----------
    n_frames : int
        Number of frames of the clip T, at least 1.
    onset_phase, offset_phase : range
        0-based positions of the phases' frames in the clip, as `mer_di.phases.split` gives them.
    apex : int, optional
        0-based position of the apex in the clip, around which ``apex_centred`` weighs the whole of it; by default the
        last frame of the onset phase.
    scheme : str
        A name in `SCHEMES`.
    reversal : {"time", "sign"}
        What becomes of the scheme in the fading phase: ``time`` weighs the time-reversed phase (with ``arp``
        this is the paper's Eq. 3), ``sign`` negates the weights. They differ unless the scheme is antisymmetric.
        ``motion_ranked`` knows from the motion which way a phase goes; negating it would undo that: refused.
    temporal_length : int, optional
        Resample each phase, and the whole clip, linearly to this many frames, folded into the weights.
    motion : array_like of shape (T,), optional
        Of the whole clip, see `scheme_weights`: each phase ranks its own frames by it.
    magnification : Magnification, optional
        See `scheme_weights`. The whole clip is magnified before it is split.

    Returns
    -------
    ndarray of int64 or float64, shape (3, T)
        Rows onset, offset, full; zero outside the phase, but for what the filter of ``magnified`` brings into
        apex→offset from before it. Float64 if any row needs it.

    Raises
    ------
    InputError
        If a name is unknown, a number is not an integer of at least 1, a phase is empty or, as the apex, not within
        the clip, or what the scheme needs is missing or one too many.

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
    require_scheme(scheme, magnification)
    if scheme == motion_ranked.__name__ and reversal != "time":
        raise InputError(f"reversal is {reversal!r}; scheme {scheme!r} ranks a falling phase as falling: leave it")
    clip = range(frame_count("n_frames", n_frames))
    _require_phase("onset", onset_phase, clip)
    _require_phase("offset", offset_phase, clip)
    of_clip = _of_frames(motion, len(clip))
    of_rise = None if of_clip is None else of_clip[onset_phase.start : onset_phase.stop]
    of_fall = None if of_clip is None else of_clip[offset_phase.start : offset_phase.stop][::-1]
    rising = _unmagnified(len(onset_phase), scheme, temporal_length, None, of_rise)
    fading = _unmagnified(len(offset_phase), scheme, temporal_length, None, of_fall)
    peak = onset_phase[-1] if apex is None else apex
    full = _unmagnified(len(clip), scheme, temporal_length, peak, of_clip)
    fading = fading[::-1] if reversal == "time" else -fading
    rows = np.zeros((3, len(clip)), np.result_type(rising, fading, full))
    rows[0, onset_phase.start : onset_phase.stop] = rising
    rows[1, offset_phase.start : offset_phase.stop] = fading
    rows[2] = full
    return rows if magnification is None else np.stack([magnification.weights(row) for row in rows])


def _unmagnified(
    n_frames: int, scheme: str, temporal_length: int | None, apex: int | None, motion: Motion | None
) -> Weights:
    if temporal_length is None:
        return _weights(scheme, n_frames, apex, motion)
    length = whole_number("temporal_length", temporal_length, at_least=2)  # one frame has no motion
    matrix = temporal_normalization(length, n_frames)
    nearest = None if apex is None else round(apex * (length - 1) / max(n_frames - 1, 1))
    weights = _weights(scheme, length, nearest, None if motion is None else np.sum(matrix * motion, axis=1))
    # not `@`: the order in which BLAS sums differs between machines
    row = np.sum(weights[:, np.newaxis] * matrix, axis=0)
    selects = np.array_equal(matrix, np.rint(matrix))
    return row.astype(np.int64) if selects and weights.dtype == np.int64 else on_grid(row)


def _of_frames(motion: ArrayLike | None, n_frames: int) -> Motion | None:
    if motion is None:
        return None
    of_each = plain_array("motion", motion)
    if of_each.shape != (n_frames,) or not np.isfinite(of_each).all():
        raise InputError(f"motion has shape {of_each.shape}; expected a finite number for each of {n_frames} frames")
    return of_each


def _weights(scheme: str, n_frames: int, apex: int | None, motion: Motion | None) -> Weights:
    if scheme == motion_ranked.__name__ and motion is not None:
        return motion_ranked(n_frames, motion)
    if scheme in (apex_centred.__name__, motion_ranked.__name__):
        return apex_centred(n_frames, apex)
    return arp(n_frames) if scheme == magnified.__name__ else SCHEMES[scheme](n_frames)


def _require_phase(name: str, phase: range, clip: range) -> None:
    if (
        not isinstance(phase, range)
        or len(phase) == 0
        or phase.step != 1
        or phase.start not in clip
        or phase[-1] not in clip
    ):
        raise InputError(f"the {name} phase is {phase}; expected consecutive positions within {clip}")
