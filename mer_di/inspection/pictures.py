"""A cache's dynamic images brought into a named range, one at a time."""

from mer_di.cache import FLOW_STREAMS, Cache
from mer_di.dynamic_images import Image, normalize
from mer_di.errors import InputError

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
    half = float(cache.half_weights(stream)[index]) if normalization == "unit-weight" else None
    return normalize(raw, normalization, weights=None if half is None else (half, -half))
