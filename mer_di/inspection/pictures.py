"""A cache's dynamic images brought into a named range, one at a time."""

from mer_di.cache import Cache
from mer_di.dynamic_images import Image, normalize

EIGHT_BIT = ("symmetric", "minmax", "minmax-channel")
"""The normalizations that give uint8: pictures that any program shows. The others are signed floats."""


def picture(cache: Cache, stream: str, index: int, normalization: str) -> Image:
    """Return one dynamic image of a cache, normalized.

    Parameters
    ----------
    cache : Cache
    stream : {"onset", "offset", "full"}
    index : int
        0-based row of the cache.
    normalization : str
        A mode of `mer_di.normalize`; ``raw`` is the stored sum.

    Returns
    -------
    ndarray of uint8 or float32, shape (S, S, 3), RGB

    Raises
    ------
    CacheError
        If there is no such stream.
    InputError
        If the normalization is unknown.
    """
    raw = cache.images(stream)[index]
    half = float(cache.half_weights(stream)[index]) if normalization == "unit-weight" else None
    return normalize(raw, normalization, weights=None if half is None else (half, -half))
