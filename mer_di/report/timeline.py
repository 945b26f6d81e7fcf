"""A clip as a line: its frames, the apex, and the rows of weights drawn over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.phases import split
from mer_di.rank_pooling import Weights, phase_weights
from mer_di.recipe import Recipe

WIDTH, HEIGHT, MARGIN = 320, 64, 8


@dataclass(frozen=True, slots=True)
class Timeline:
    """Geometry of a clip's drawing, in a box of `WIDTH` × `HEIGHT`.

    Attributes
    ----------
    onset, apex, offset : int
        Frame numbers in the database's numbering, inclusive.
    apex_x : float
    rising, fading : tuple of float
        Where each phase begins and ends.
    lines : dict of str to str
        ``onset``, ``offset``, ``full``: points of a polyline, the weights of each row against the frames. The largest
        absolute weight of the three rows reaches the margin; zero is in the middle.
    largest : float
        That weight.
    """

    onset: int
    apex: int
    offset: int
    apex_x: float
    rising: tuple[float, float]
    fading: tuple[float, float]
    lines: dict[str, str]
    largest: float


def sample_weights(sample: Mapping[str, Any], recipe: Recipe) -> tuple[Weights, range, range]:
    """Return the rows of weights of a cached sample and its phases.

    Parameters
    ----------
    sample : mapping
        ``onset``, ``apex`` and ``offset`` as a cache holds them.
    recipe : Recipe

    Returns
    -------
    weights : ndarray, shape (3, T)
        Rows onset, offset, full; see `mer_di.rank_pooling.phase_weights`.
    rising, fading : range
        0-based positions in the clip.
    """
    onset, apex, offset = (int(sample[name]) for name in ("onset", "apex", "offset"))
    rising, fading = split(0, apex - onset, offset - onset, apex_in=recipe.apex_in)
    weights = phase_weights(
        offset - onset + 1,
        rising,
        fading,
        apex=apex - onset,
        scheme=recipe.scheme,
        reversal=recipe.reversal,
        temporal_length=recipe.temporal_length,
    )
    return weights, rising, fading


def timeline(sample: Mapping[str, Any], weights: Weights, rising: range, fading: range) -> Timeline:
    """Lay out a clip's drawing from the results of `sample_weights`."""
    x = np.linspace(MARGIN, WIDTH - MARGIN, weights.shape[1])
    largest = float(np.abs(weights).max())
    y = HEIGHT / 2 - (HEIGHT / 2 - MARGIN) * weights / (largest or 1)
    spans = {"onset": rising, "offset": fading, "full": range(weights.shape[1])}
    lines = {name: _points(x, row, span) for row, (name, span) in zip(y, spans.items(), strict=True)}
    onset, apex, offset = (int(sample[name]) for name in ("onset", "apex", "offset"))
    ends = [(float(x[span[0]]), float(x[span[-1]])) for span in (rising, fading)]
    return Timeline(onset, apex, offset, float(x[apex - onset]), ends[0], ends[1], lines, largest)


def _points(x: NDArray[np.float64], y: NDArray[np.float64], span: range) -> str:
    return " ".join(f"{x[t]:.1f},{y[t]:.1f}" for t in span)
