"""Schemes: each maps a number of frames T to weights α_1..α_T (t is 1-based in the formulas, as in the papers).

All but `harmonic_legacy` sum to zero: a frame that never changes contributes nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import plain_array
from mer_di.errors import InputError
from mer_di.rank_pooling.exact import Weights, frame_count, on_grid
from mer_di.rank_pooling.magnification import Magnification


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
    n = frame_count("n_frames", n_frames)
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
    i = np.arange(1, frame_count("n_frames", n_frames) + 1)
    return on_grid(_sums_to_the_end((2 * i - i.size - 1) / i))


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
    i = np.arange(1, frame_count("n_frames", n_frames) + 1)
    return on_grid(_sums_to_the_end((2 * i - i.size) / i))


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
    n = frame_count("n_frames", n_frames)
    t = np.arange(1, n + 1, dtype=np.int64)
    return np.maximum(0, t - 2) - np.maximum(0, n - t - 1)


def apex_centred(n_frames: int, apex: int | None = None) -> NDArray[np.int64]:
    """Return the weights of `arp` dealt out from the apex: the largest to it, the next ones left and right in turn.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.
    apex : int, optional
        0-based position of the apex; the last frame by default, as in a rising phase.

    Returns
    -------
    ndarray of int64, shape (T,)
        Sums to zero; a permutation of `arp`. Equal to `arp` with the apex at the end, to `reversed_arp` with the apex
        at the beginning. When one side has no frames left, the other gets the rest in turn.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1, or the apex is none of the frames.

    Notes
    -----
    A function of this kind is in public programs of DIANet's laboratory. That it is the pooling of Nguyen et al.
    (MESTI, 2025; "apex-centered rank pooling" in its third version) is likely and not known: the formula of that paper
    has not been read for this software. Over a whole clip it is nearly the sum of the two phases' weights (cosine 0.83
    to 0.99 from 7 to 120 frames), in one image.

    Examples
    --------
    >>> apex_centred(7, 3)
    array([-4,  0,  4,  6,  2, -2, -6])
    """
    n = frame_count("n_frames", n_frames)
    peak = n - 1 if apex is None else apex
    if peak not in range(n):
        raise InputError(f"apex is {apex}; expected a 0-based position among {n} frames")
    distance = np.arange(n) - peak
    turn = np.argsort(np.where(distance < 0, -2 * distance - 1, 2 * distance))
    weights = np.empty(n, np.int64)
    weights[turn] = arp(n)[::-1]
    return weights


def motion_ranked(n_frames: int, motion: ArrayLike | None = None) -> NDArray[np.int64]:
    """Return the weights of `arp` in the order of the frames' motion, 2·rank(m_t) − T − 1.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.
    motion : array_like of shape (T,), optional
        How much motion each frame shows, such as `motion_intensity` gives; by default it grows with every frame, as in
        a rising phase. Of equal ones the earlier frame counts as the stronger.

    Returns
    -------
    ndarray of int64, shape (T,)
        Sums to zero; a permutation of `arp`. Equal to `apex_centred` where the motion falls with the distance from the
        apex.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1, or the motion is not as many finite numbers.

    Notes
    -----
    A reconstruction of the motion-intensity image of Man et al. (AFN, 2025; MIDI), from its abstract: frames are put in
    the order of their motion, then pooled. Which motion that paper means has not been read for this software.

    Examples
    --------
    >>> motion_ranked(5, [0, 3, 9, 4, 1])
    array([-4,  0,  4,  2, -2])
    """
    n = frame_count("n_frames", n_frames)
    order = np.arange(n) if motion is None else plain_array("motion", motion)
    if order.shape != (n,) or not np.isfinite(order).all():
        raise InputError(f"motion has shape {order.shape}; expected a finite number for each of {n} frames")
    weights = np.empty(n, np.int64)
    weights[np.lexsort((-np.arange(n), order))] = arp(n)
    return weights


def magnified(n_frames: int, magnification: Magnification) -> NDArray[np.float64]:
    """Return the weights over a clip that are those of `arp` over the magnified clip, w + αBᵀw.

    Parameters
    ----------
    n_frames : int
        Number of frames T, at least 1.
    magnification : Magnification
        B and α. There is no default: what papers on magnified dynamic images used has not been read for this software.

    Returns
    -------
    ndarray of float64, shape (T,)
        Sums to zero exactly.

    Raises
    ------
    InputError
        If ``n_frames`` is not an integer of at least 1.

    Notes
    -----
    A linear filter B magnifies a clip F to F + αBF, and pooling is linear: wᵀ(F + αBF) = (w + αBᵀw)ᵀF. No magnified
    clip is ever made, none is rounded to 8 bits. Pooling of a clip after Eulerian magnification is what is known of the
    affective-motion image of Verma et al. (AffectiveNet, 2020).
    """
    return magnification.weights(arp(n_frames))


SCHEMES: Mapping[str, Callable[..., Weights]] = MappingProxyType(
    {
        scheme.__name__: scheme
        for scheme in (
            arp,
            reversed_arp,
            harmonic_arp,
            harmonic_legacy,
            active_image,
            apex_centred,
            motion_ranked,
            magnified,
        )
    }
)
"""Every scheme by its name, which is what ``--scheme`` takes.

Each takes a number of frames; `magnified` needs more, `apex_centred` and `motion_ranked` may be told more.
"""

IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "arp": "Approximate rank pooling, α(t) = 2t − T − 1.",
        "reversed_arp": "Reversed approximate rank pooling, α(t) = T + 1 − 2t.",
        "harmonic_arp": "Approximate rank pooling of running means, α(t) = Σ_{i≥t} (2i − T − 1)/i.",
        "harmonic_legacy": "A mistaken port of the harmonic weights, which do not sum to zero: a face that does not "
        "move is not 0, and every picture here shows the face more than its motion.",
        "active_image": "Active image, α(t) = max(0, t − 2) − max(0, T − t − 1).",
        "apex_centred": "Approximate rank pooling from the apex: the weights T − 1, T − 3, … 1 − T go to the apex, its "
        "left, its right and so on outwards. A phase, with the apex at its end, is the paper's.",
        "motion_ranked": "Approximate rank pooling in the order of motion, α(t) = 2·rank(m(t)) − T − 1, within each "
        "phase and within the clip; m(t) is the mean difference between frame t and the onset frame.",
        "magnified": "Approximate rank pooling of the magnified clip, w + αBᵀw.",
    }
)
"""What a page about a cache says of each."""


def _sums_to_the_end(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(terms[::-1])[::-1]
