"""A cache's dynamic images brought into a named range, one at a time."""

from mer_di.cache import FLOW_STREAMS, Cache
from mer_di.dynamic_images import Image, normalize
from mer_di.errors import InputError
from mer_di.rank_pooling import Weights, scheme_weights

EIGHT_BIT = ("symmetric", "minmax", "minmax-channel")
"""The normalizations that give uint8: pictures that any program shows. The others are signed floats."""


def picture(cache: Cache, stream: str, index: int, normalization: str) -> Image:
    """Return one image of a cache, normalized.

    Parameters
    ----------
    cache : Cache
    stream : {"onset", "offset", "full", "flow_onset", "flow_offset"}
    index : int
        0-based row of the cache.
    normalization : str
        A mode of `mer_di.normalize`; ``raw`` is what is stored, and the only one for flow.

    Returns
    -------
    ndarray of uint8 or float32, shape (S, S, 3), RGB

    Raises
    ------
    CacheError
        If there is no such stream.
    InputError
        If the normalization is unknown, or is none of flow.
    """
    if stream in FLOW_STREAMS and normalization != "raw":
        raise InputError(
            f"{stream} is optical flow, and {normalization} is for colours; take it raw (mer-di export --as npy), or "
            "look at it with mer-di show"
        )
    raw = cache.images(stream)[index]
    weights = row_of_weights(cache, stream, index) if normalization == "unit-weight" else None
    return normalize(raw, normalization, weights=weights)


def row_of_weights(cache: Cache, stream: str, index: int) -> Weights:
    """Return the scheme's weights over the frames of one dynamic image, before any reversal.

    Parameters
    ----------
    cache : Cache
    stream : {"onset", "offset", "full"}
    index : int
        0-based row of the cache.

    Returns
    -------
    ndarray of int64 or float64, shape (T,)
        T frames of the phase, or of the clip.
    """
    recipe, n_frames = cache.recipe, int(cache.lengths(stream)[index])
    return scheme_weights(n_frames, scheme=recipe.scheme, temporal_length=recipe.temporal_length)
