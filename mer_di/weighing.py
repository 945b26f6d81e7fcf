"""The rows of weights of a clip: its phases, how sure its apex is, and whatever else a recipe makes of them."""

from collections.abc import Mapping
from math import exp, inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import whole_number
from mer_di.errors import InputError
from mer_di.phases import ApexIn, apexes, split
from mer_di.rank_pooling import Magnification, Reversal, Weights, on_grid, phase_weights
from mer_di.recipe import Recipe

_REACH = 4  # standard deviations; beyond them a normal distribution has 6·10⁻⁵
_WHOLE = 2**30  # shares as integers: a last place in which machines differ changes no weight


def clip_weights(
    n_frames: int,
    apex: int,
    *,
    scheme: str = "arp",
    reversal: Reversal = "time",
    apex_in: ApexIn = "both",
    temporal_length: int | None = None,
    motion: ArrayLike | None = None,
    magnification: Magnification | None = None,
    apex_sigma: float | None = None,
) -> Weights:
    """Return the weights of both phases' dynamic images and of the whole clip's, around an apex that may be uncertain.

    Parameters
    ----------
    n_frames : int
        Number of frames of the clip T.
    apex : int
        0-based position of the apex.
    scheme, reversal, temporal_length, motion, magnification
        See `mer_di.rank_pooling.phase_weights`.
    apex_in : {"both", "onset", "offset"}
        Which phase holds the apex frame.
    apex_sigma : float, optional
        Frames by which the apex is uncertain: the rows are those expected under `apex_shares`, as are the images, which
        are linear in them.

    Returns
    -------
    ndarray of int64 or float64, shape (3, T)
        Rows onset, offset, full. With an uncertain apex the phases overlap.

    Raises
    ------
    InputError
        If the apex is not within the clip, a phase has fewer than two frames, or an argument is refused by
        `mer_di.rank_pooling.phase_weights` or `apex_shares`.
    """
    apex = whole_number("apex", apex)

    def rows(position: int) -> Weights:
        phases = split(0, position, n_frames - 1, apex_in=apex_in)
        return phase_weights(
            n_frames,
            *phases,
            apex=position,
            scheme=scheme,
            reversal=reversal,
            temporal_length=temporal_length,
            motion=motion,
            magnification=magnification,
        )

    at_the_apex = rows(apex)
    shares = {apex: 1} if apex_sigma is None else apex_shares(n_frames, apex, apex_sigma, apex_in=apex_in)
    if shares.keys() == {apex}:
        return at_the_apex
    expected = np.zeros(at_the_apex.shape)
    for position, share in shares.items():
        expected += share * rows(position)
    return np.stack([on_grid(row) for row in expected / sum(shares.values())])


def apex_shares(n_frames: int, apex: int, sigma: float, *, apex_in: ApexIn = "both") -> dict[int, int]:
    """Return how probable it is that the apex of a clip is another frame than the annotated one.

    Parameters
    ----------
    n_frames : int
    apex : int
        0-based position that the annotation gives.
    sigma : float
        Standard deviation in frames, above 0.
    apex_in : {"both", "onset", "offset"}
        See `mer_di.phases.split`.

    Returns
    -------
    dict of int to int
        0-based position to its share, in 2⁻³⁰ of the apex's own: exp(−d²/2σ²) at a distance of d frames, up to 4σ, at
        those positions alone that leave two frames to both phases. Probabilities are shares over their sum.

    Raises
    ------
    InputError
        If sigma is no number above 0.

    Examples
    --------
    >>> shares = apex_shares(5, 2, 1.0)
    >>> {position: round(share / sum(shares.values()), 3) for position, share in shares.items()}
    {1: 0.274, 2: 0.452, 3: 0.274}
    """
    if not 0 < sigma < inf:
        raise InputError(f"apex_sigma is {sigma!r}; expected a number of frames above 0, or nothing for a sure apex")
    found = {
        position: round(_WHOLE * exp(-(((position - apex) / sigma) ** 2) / 2))
        for position in apexes(0, n_frames - 1, apex_in=apex_in)
        if abs(position - apex) <= _REACH * sigma
    }
    return {position: share for position, share in found.items() if share}


def neighbours(n_frames: int, apex: int, count: int, *, apex_in: ApexIn = "both") -> list[int]:
    """Return the apexes around an apex: as many frames before it as after it, with an odd count one more before it.

    Parameters
    ----------
    n_frames : int
    apex : int
        0-based position in the clip.
    count : int
        How many neighbours, K.
    apex_in : {"both", "onset", "offset"}
        See `mer_di.phases.split`.

    Returns
    -------
    list of int
        K positions in ascending order, the apex not among them; but where a position would leave a phase less than two
        frames, it is the nearest one that does not: near the ends of a clip some are there twice, or are the apex.

    Raises
    ------
    InputError
        If the clip is too short for two phases.

    Examples
    --------
    >>> neighbours(20, 8, 4), neighbours(20, 2, 5), neighbours(3, 1, 2)
    ([6, 7, 9, 10], [1, 1, 1, 3, 4], [1, 1])
    """
    legal = apexes(0, n_frames - 1, apex_in=apex_in)
    if not legal:
        raise InputError(f"a clip of {n_frames} frames has no apex that leaves two frames to both phases")
    distances = [*range(-((count + 1) // 2), 0), *range(1, count // 2 + 1)]
    return [min(max(apex + distance, legal[0]), legal[-1]) for distance in distances]


def recipe_weights(
    recipe: Recipe, n_frames: int, apex: int, *, fps: float | None, motion: ArrayLike | None = None
) -> Weights:
    """Return the rows of weights of a clip that is built by a recipe.

    Parameters
    ----------
    recipe : Recipe
    n_frames : int
    apex : int
        0-based position in the clip.
    fps : float or None
        Frames per second of the recording; a recipe that magnifies a band in Hz needs it.
    motion : array_like of shape (T,), optional
        See `mer_di.rank_pooling.motion_intensity`; a recipe that ranks by motion takes it from the frames.

    Returns
    -------
    ndarray of int64 or float64, shape (3, T)
        See `clip_weights`.

    Raises
    ------
    InputError
        See `clip_weights`.
    """
    return clip_weights(
        n_frames,
        apex,
        scheme=recipe.scheme,
        reversal=recipe.reversal,
        apex_in=recipe.apex_in,
        temporal_length=recipe.temporal_length,
        motion=motion,
        magnification=recipe.magnification(fps),
        apex_sigma=recipe.apex_sigma,
    )


def sample_weights(recipe: Recipe, sample: Mapping[str, Any], *, apex: int | None = None) -> Weights:
    """Return the rows of weights of a cached sample.

    Parameters
    ----------
    recipe : Recipe
        The cache's.
    sample : mapping
        ``onset_length``, ``offset_length`` and ``fps`` as a cache holds them.
    apex : int, optional
        0-based position in the clip of another apex than the sample's, such as a neighbouring one.

    Returns
    -------
    ndarray of int64 or float64, shape (3, T)
        Rows onset, offset, full. A cache does not hold the motion by which ``motion_ranked`` ranks: its weights are
        here in the order of a motion that falls with the distance from the apex. They are the same weights.

    Raises
    ------
    InputError
        See `clip_weights`.
    """
    rising, fading = int(sample["onset_length"]), int(sample["offset_length"])
    own = rising - (recipe.apex_in != "offset")
    n_frames = rising + fading - (recipe.apex_in == "both")
    return recipe_weights(recipe, n_frames, own if apex is None else apex, fps=float(sample["fps"]))


def half_weights(recipe: Recipe, sample: Mapping[str, Any], *, apex: int | None = None) -> NDArray[np.float64]:
    """Return Σ|α|/2 of each row of a cached sample, by which images of clips of different length compare.

    Parameters
    ----------
    recipe, sample, apex
        See `sample_weights`.

    Returns
    -------
    ndarray of float64, shape (3,)
        Of the rows onset, offset, full.
    """
    halves: NDArray[np.float64] = np.abs(sample_weights(recipe, sample, apex=apex)).sum(axis=1) / 2
    return halves
