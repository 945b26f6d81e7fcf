"""Optical flow to look at: which way as a hue, how far as its strength."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import hsv_to_rgb
from numpy.typing import NDArray

from mer_di.flow_maps import magnitude

IN_WORDS = "hue is the direction (right red, down yellow-green, left cyan, up violet), white is no motion"

WITHIN = 95
"""Percent of the pixels that keep below full colour; where a background is flat, estimators make up more than that."""


def flow_colours(flow: NDArray[np.float32], full: float) -> NDArray[np.uint8]:
    """Return a flow as a picture.

    Parameters
    ----------
    flow : ndarray of float32, shape (H, W, 3)
        u to the right and v down, in pixels, and strain, which is not shown.
    full : float
        Displacement in pixels that has full colour, positive; longer ones have it too.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), RGB
        Hue 0 is to the right and grows clockwise on a screen; white where nothing moves.
    """
    u, v = flow[..., 0], flow[..., 1]
    hue = np.arctan2(v, u) / (2 * np.pi) % 1
    strength = np.clip(magnitude(flow) / full, 0, 1)
    colours = hsv_to_rgb(np.dstack([hue, strength, np.ones_like(hue)]))
    picture: NDArray[np.uint8] = np.rint(255 * colours).astype(np.uint8)
    return picture


def full_colour(flows: Sequence[NDArray[np.float32]]) -> float:
    """Return the displacement in pixels that flows shown side by side keep below in `WITHIN` percent of their pixels.

    The largest where that is zero, and 1 where nothing moves.
    """
    lengths = np.stack([magnitude(flow) for flow in flows])
    return float(np.percentile(lengths, WITHIN) or lengths.max()) or 1.0
