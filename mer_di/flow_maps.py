"""Maps that others make of the optical flow of both phases: functions of what a cache holds under ``/flow``.

A flow is an array of shape (H, W, 3): u to the right and v down, in pixels, and the strain. Whatever is min-max
normalized becomes 0..1 within one image, and an image of one value 0, which is how 0/0 is read here: the papers do not
say.
"""

import math
from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import one_of, plain_array
from mer_di.errors import InputError
from mer_di.streams import FlowDirection, FlowMap

Floats = NDArray[np.float32]

_NUMBERS = ("onset_factor", "offset_factor", "exponent")


def flow_map(name: str, onset: ArrayLike, offset: ArrayLike, combination: Sequence[float] = ()) -> Floats:
    """Return one of the maps as an image, the stream of a network.

    Parameters
    ----------
    name : str
        ``flow_combined`` is `combined_magnitude`, alike in three channels; ``flow_normalized_onset`` and ``…_offset``
        are `normalized_flow` of a phase, ``flow_direction_onset`` and ``…_offset`` its `direction`.
    onset, offset : array_like of shape (H, W, 3)
        Flow of onset→apex and of apex→offset.
    combination : sequence of float, optional
        θ₁, θ₂ and n, which ``flow_combined`` needs.

    Returns
    -------
    ndarray of float32, shape (H, W, 3)

    Raises
    ------
    InputError
        If there is no such map, the flows are no such arrays or of two shapes, or the combination is missing or makes
        no sense.
    """
    one_of("name", name, get_args(FlowMap))
    if name == "flow_combined":
        numbers = dict(zip(_NUMBERS, require_combination(combination), strict=True))
        return np.dstack([combined_magnitude(onset, offset, **numbers)] * 3)
    normalized = normalized_flow(onset if name.endswith("_onset") else offset)
    return direction(normalized) if name in get_args(FlowDirection) else normalized


def require_combination(combination: Sequence[float]) -> Sequence[float]:
    """Return θ₁, θ₂ and n of `combined_magnitude`, or say what is wrong with them.

    Raises
    ------
    InputError
        If they are not three finite numbers of which the last is positive.
    """
    if len(combination) != len(_NUMBERS):
        raise InputError(
            f"flow_combination is {combination}; expected three numbers, θ₁, θ₂ and n, for flow_combined: no value of "
            "its paper is known, so none is taken unasked (--flow-combination 1 1 1)"
        )
    for name, value in zip(_NUMBERS, combination, strict=True):
        if not math.isfinite(value):
            raise InputError(f"{name} is {value!r}; expected a finite number")
    if combination[-1] <= 0:
        raise InputError(f"exponent is {combination[-1]!r}; expected a number greater than 0")
    return combination


def magnitude(flow: ArrayLike) -> Floats:
    """Return how far each pixel moves, √(u² + v²).

    Parameters
    ----------
    flow : array_like of shape (H, W, 3)

    Returns
    -------
    ndarray of float32, shape (H, W)
        In pixels.

    Raises
    ------
    InputError
        If the flow is no such array of finite numbers.
    """
    u, v, _ = _planes("flow", flow)
    length: Floats = np.hypot(u, v).astype(np.float32)
    return length


def combined_magnitude(
    onset: ArrayLike, offset: ArrayLike, *, onset_factor: float, offset_factor: float, exponent: float
) -> Floats:
    """Combine the magnitudes of both phases: θ₁·M₁ⁿ + θ₂·M₂ⁿ, each M min-max normalized.

    With n = 1 the formula is COF's, as a public summary of its authors' next paper (arXiv:2510.07810) gives it; the
    exponent is an option. θ₁ and θ₂ are not known here, so nothing has a default; neither is the engine of the flow.
    What is made with this function is a reconstruction.

    Parameters
    ----------
    onset, offset : array_like of shape (H, W, 3)
        Flow of onset→apex and of apex→offset.
    onset_factor, offset_factor : float
        θ₁ and θ₂.
    exponent : float
        n, greater than 0: below 1 weak motions come forward, above 1 strong ones.

    Returns
    -------
    ndarray of float32, shape (H, W)
        In 0..θ₁ + θ₂ where neither is negative.

    Raises
    ------
    InputError
        If the flows are no such arrays, or of two shapes, or a number is not finite or the exponent not positive.

    References
    ----------
    COF, arXiv:2510.15471, 2025.
    """
    require_combination((onset_factor, offset_factor, exponent))
    first, second = magnitude(onset), magnitude(offset)
    if first.shape != second.shape:
        raise InputError(f"the flows have {first.shape} and {second.shape} pixels; expected two of one shape")
    rising, fading = (_minmax(each) ** exponent for each in (first, second))
    return (onset_factor * rising + offset_factor * fading).astype(np.float32)


def normalized_flow(flow: ArrayLike) -> Floats:
    """Return strain, v and u, in this order, each min-max normalized by itself and nothing cut off.

    These are CausalNet's flow maps, exactly, by its authors' account; they estimate the flow with TV-L1, on crops of
    their own, and keep 28×28 pixels in 8 bits.

    Parameters
    ----------
    flow : array_like of shape (H, W, 3)

    Returns
    -------
    ndarray of float32, shape (H, W, 3)
        In 0..1.

    Raises
    ------
    InputError
        If the flow is no such array of finite numbers.

    References
    ----------
    CausalNet, ICCV 2025, arXiv:2508.06640; https://github.com/tony19980810/CausalNet, issues 2 and 4.
    """
    u, v, strain = _planes("flow", flow)
    return np.dstack([_minmax(strain), _minmax(v), _minmax(u)]).astype(np.float32)


def direction(normalized: ArrayLike) -> Floats:
    """Return the angle of v over u, both already normalized, as the hue of a colour.

    That is no direction of a motion: of numbers in 0..1 the angle is 0 to 90°, and no motion has that of where it
    happens to lie between the extremes. CausalNet's authors report that it works better than the angle of the flow
    itself. That their direction maps are this was found by comparing their published maps: of 40, 99.9 % of the pixels
    follow from the flow map beside it by this formula, in 8 bits, with the angle cut to whole steps of 2°.

    Parameters
    ----------
    normalized : array_like of shape (H, W, 3)
        From `normalized_flow`; resized before, where maps of another size are wanted.

    Returns
    -------
    ndarray of float32, shape (H, W, 3)
        Blue, green and red, as in the authors' files, in 0..1; blue is 0 throughout. Red at 0°, yellow at 60°.

    Raises
    ------
    InputError
        If the map is no such array of finite numbers, or has values below 0.
    """
    planes = _planes("normalized", normalized)
    if planes.min() < 0:
        raise InputError(f"normalized has the value {planes.min():g}; expected 0..1, as normalized_flow gives it")
    _, v, u = planes
    sixths = np.arctan2(v, u) / (math.pi / 3)  # of a full turn of hue
    return np.dstack([np.zeros_like(sixths), np.minimum(sixths, 1), np.minimum(2 - sixths, 1)]).astype(np.float32)


def phase_maps(onset: ArrayLike, offset: ArrayLike) -> Floats:
    """Return CausalNet's four maps of a clip: the flow of both phases, then the directions of both.

    Parameters
    ----------
    onset, offset : array_like of shape (H, W, 3)
        Flow of onset→apex and of apex→offset.

    Returns
    -------
    ndarray of float32, shape (4, H, W, 3)
        `normalized_flow` of onset and offset, `direction` of onset and offset.

    Raises
    ------
    InputError
        If the flows are no such arrays, or of two shapes.
    """
    flows = [normalized_flow(onset), normalized_flow(offset)]
    if flows[0].shape != flows[1].shape:
        raise InputError(f"the flows have shapes {flows[0].shape} and {flows[1].shape}; expected two of one shape")
    return np.stack([*flows, *map(direction, flows)])


def _planes(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return the three planes of an image, (3, H, W)."""
    array = plain_array(name, value)
    if array.ndim != 3 or array.shape[-1] != 3 or not array.size or array.dtype.kind == "b":
        raise InputError(f"{name} is {array.dtype} of shape {array.shape}; expected numbers (H, W, 3)")
    if not np.isfinite(array).all():
        raise InputError(f"{name} has a value that is not finite; expected finite numbers")
    return np.moveaxis(array.astype(np.float64), -1, 0)


def _minmax(plane: NDArray[np.floating]) -> NDArray[np.float64]:
    above: NDArray[np.float64] = plane.astype(np.float64) - plane.min()
    return above / (above.max() or 1)
