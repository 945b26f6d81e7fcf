"""A clip as a line: its frames, the apex, and the rows of weights drawn over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.phases import split
from mer_di.rank_pooling import Weights, motion_ranked
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
        absolute weight of the three rows reaches the margin; zero is in the middle. Without points where frames were
        ranked by their motion, which a cache does not hold.
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


def timeline(sample: Mapping[str, Any], recipe: Recipe, weights: Weights) -> Timeline:
    """Lay out a clip's drawing.

    Parameters
    ----------
    sample : mapping
        ``onset``, ``apex`` and ``offset`` as a cache holds them.
    recipe : Recipe
    weights : ndarray, shape (3, T)
        Of the sample, see `mer_di.weighing.sample_weights`.

    Returns
    -------
    Timeline
    """
    onset, apex, offset = (int(sample[name]) for name in ("onset", "apex", "offset"))
    rising, fading = split(0, apex - onset, offset - onset, apex_in=recipe.apex_in)
    x = np.linspace(MARGIN, WIDTH - MARGIN, weights.shape[1])
    largest = float(np.abs(weights).max())
    y = HEIGHT / 2 - (HEIGHT / 2 - MARGIN) * weights / (largest or 1)
    spans = {"onset": rising, "offset": fading, "full": range(weights.shape[1])}
    known = recipe.scheme != motion_ranked.__name__
    lines = {
        name: _points(x, points, _reach(row, span)) if known else ""
        for row, points, (name, span) in zip(weights, y, spans.items(), strict=True)
    }
    ends = [(float(x[span[0]]), float(x[span[-1]])) for span in (rising, fading)]
    return Timeline(onset, apex, offset, float(x[apex - onset]), ends[0], ends[1], lines, largest)


def _reach(row: Weights, phase: range) -> range:
    """Return the phase, and beyond it where there are weights: of an uncertain apex, or a filter's memory."""
    weighed = [*phase, *np.flatnonzero(row).tolist()]
    return range(min(weighed), max(weighed) + 1)


def _points(x: NDArray[np.float64], y: NDArray[np.float64], span: range) -> str:
    return " ".join(f"{x[t]:.1f},{y[t]:.1f}" for t in span)
