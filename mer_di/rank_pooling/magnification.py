"""Linear Eulerian magnification: a band of a clip in time, amplified and added. Of a pooled clip, one more row."""

from dataclasses import dataclass
from itertools import accumulate
from math import inf, pi

import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError
from mer_di.rank_pooling.exact import Weights, on_grid

LARGEST_ALPHA = 1000.0  # beyond it, of a long clip, the last place of a weight would be more than a unit


@dataclass(frozen=True, slots=True)
class Magnification:
    """A temporal band-pass B and how much of it is added to a clip: F becomes F + αBF.

    B is the difference of two first-order low-passes, y₁ = F₁ and y_t = y_{t−1} + r (F_t − y_{t−1}), both of which
    begin at rest on the first frame. The one that follows up to ``high`` minus the one that follows up to ``low`` lets
    through what lies between, and nothing of what does not move. The cut-off f of a low-pass is where
    r = 2πf / (2πf + fps): that of the electric circuit which it imitates.

    Attributes
    ----------
    alpha : float
        Factor of the band, above 0.
    low, high : float
        The band in Hz, 0 < low < high, and high at most half of ``fps``.
    fps : float
        Frames per second. With the default, 1, the band is in cycles a frame.

    Raises
    ------
    InputError
        If a number is out of these bounds.

    Notes
    -----
    Wu et al., Eulerian Video Magnification, SIGGRAPH 2012, use this filter where a clip has to be processed as it
    comes. It fits micro-expressions for another reason: an ideal band-pass needs a clip of several periods of its band,
    and a phase of ten frames at 200 frames a second has no frequency at all between 0 and 20 Hz. Being causal, it lags.
    Their pyramid over space is left out: with one factor at every scale it changes nothing.
    """

    alpha: float
    low: float
    high: float
    fps: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= LARGEST_ALPHA:
            raise InputError(f"alpha is {self.alpha!r}; expected a number above 0, up to {LARGEST_ALPHA:g}")
        if not 0 < self.fps < inf:
            raise InputError(f"fps is {self.fps!r}; expected frames per second, above 0")
        if not 0 < self.low < self.high <= self.fps / 2:
            raise InputError(
                f"the band is {self.low!r} to {self.high!r}; expected two rising numbers above 0, the second at most "
                f"half of the {self.fps:g} frames per second: nothing quicker is in the clip"
            )

    def weights(self, row: Weights) -> NDArray[np.float64]:
        """Return the row that makes of a clip what a row makes of the magnified clip, w + αBᵀw.

        Parameters
        ----------
        row : ndarray of int64 or float64, shape (T,)
            Over the whole clip, at whose first frame the filter begins.

        Returns
        -------
        ndarray of float64, shape (T,)
            Sums to exactly what the row sums to.
        """
        slow, fast = (_smoothed(row, 2 * pi * f / (2 * pi * f + self.fps)) for f in (self.low, self.high))
        return on_grid(row + self.alpha * (fast - slow))


def _smoothed(row: Weights, rate: float) -> NDArray[np.float64]:
    """Return Lᵀw of a low-pass L: the same recursion from the last frame to the first, which takes what is left."""
    backwards = accumulate(reversed(row.tolist()), lambda later, weight: weight + (1 - rate) * later)
    first, *rest = reversed(list(backwards))
    return np.array([first, *(rate * value for value in rest)])
