"""Optical flow between two aligned crops, and the strain of the skin that follows from it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.registration import optical_flow_ilk, optical_flow_tvl1

from mer_di.arguments import plain_array
from mer_di.errors import InputError
from mer_di.streams import SMALLEST_FLOW, FlowEngine

Floats = NDArray[np.float32]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def flow(first: ArrayLike, second: ArrayLike, *, engine: FlowEngine = "ilk") -> Floats:
    """Estimate where each pixel of one crop went in another.

    Parameters
    ----------
    first, second : array_like of shape (H, W, 3)
        Two crops of one face, RGB, in 0..255; not rounded, so that a motion of a tenth of a pixel is still there.
    engine : {"ilk", "tvl1", "farneback", "dis"}
        Who estimates: iterative Lucas-Kanade (Le Besnerais and Champagnat, 2005) or TV-L1 (Zach, Pock and Bischof,
        2007) of scikit-image, polynomial expansion (Farnebäck, 2003) or dense inverse search down to the finest scale
        (Kroeger et al., 2016) of OpenCV. ``dis`` computes on crops that are rounded to 8 bits, because it takes
        no others.

    Returns
    -------
    ndarray of float32, shape (H, W, 3)
        u to the right and v down, in pixels of the crop, and the `strain`. Pixel (y, x) of ``first`` is found at
        (y + v, x + u) of ``second``.

    Raises
    ------
    InputError
        If the crops are not two colour images of one shape, of at least `SMALLEST_FLOW` pixels a side, with values in
        0..255, or there is no such engine.
    """
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r}; expected one of {', '.join(ENGINES)}")
    lumas = _luma("first", first), _luma("second", second)
    if lumas[0].shape != lumas[1].shape:
        raise InputError(f"the crops have {lumas[0].shape} and {lumas[1].shape} pixels; expected two of one shape")
    if min(lumas[0].shape) < SMALLEST_FLOW:
        raise InputError(f"the crops have {lumas[0].shape} pixels; expected at least {SMALLEST_FLOW} a side")
    motion = ENGINES[engine](*lumas)
    return np.dstack([motion, strain(motion)])


def strain(motion: NDArray[np.floating]) -> Floats:
    """Return how much the skin is stretched: the magnitude of the strain tensor, √(u_x² + v_y² + ½(u_y + v_x)²).

    Parameters
    ----------
    motion : ndarray of shape (H, W, 2)
        u and v, in pixels.

    Returns
    -------
    ndarray of float32, shape (H, W)
        0 for a motion of the whole face. Derivatives are central differences, one-sided at the border.

    Notes
    -----
    Shreve et al., Macro- and micro-expression spotting in long videos using spatio-temporal strain, FG 2011: the
    Frobenius norm of the symmetric part of the gradient.
    """
    u, v = motion[..., 0], motion[..., 1]
    (u_y, u_x), (v_y, v_x) = np.gradient(u), np.gradient(v)
    magnitude: Floats = np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2).astype(np.float32)
    return magnitude


def _ilk(first: Floats, second: Floats) -> Floats:
    return _xy(optical_flow_ilk(first, second, dtype=np.float32))


def _tvl1(first: Floats, second: Floats) -> Floats:
    unit = first / 255, second / 255  # its weights are for this range
    return _xy(optical_flow_tvl1(*unit, dtype=np.float32))


def _farneback(first: Floats, second: Floats) -> Floats:
    still = np.zeros((*first.shape, 2), np.float32)
    found = cv2.calcOpticalFlowFarneback(
        first, second, still, pyr_scale=0.5, levels=3, winsize=15, iterations=3, poly_n=5, poly_sigma=1.2, flags=0
    )
    return found.astype(np.float32, copy=False)


def _dis(first: Floats, second: Floats) -> Floats:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    before, after = (np.rint(image).astype(np.uint8) for image in (first, second))
    found: Floats = search.calc(before, after, None)  # type: ignore[call-overload]  # an array would be a first guess
    return found


ENGINES: Mapping[FlowEngine, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    dict(zip(get_args(FlowEngine), (_ilk, _tvl1, _farneback, _dis), strict=True))
)
"""Every engine by its name, which is what ``--flow`` takes; from two lumas in 0..255 to u and v."""


def _xy(rows_columns: Floats) -> Floats:
    """Turn (row, column) planes into u and v a pixel."""
    return np.moveaxis(rows_columns[::-1], 0, -1)


def _luma(name: str, crop: ArrayLike) -> Floats:
    pixels = plain_array(name, crop)
    if pixels.ndim != 3 or pixels.shape[-1] != 3 or not np.issubdtype(pixels.dtype, np.number):
        raise InputError(f"{name} is {pixels.dtype} of shape {pixels.shape}; expected a colour image (H, W, 3)")
    if not ((pixels >= 0) & (pixels <= 255)).all():
        raise InputError(f"{name} has values outside 0..255; expected an image in 0..255")
    luma: Floats = (pixels @ np.array(_LUMA)).astype(np.float32)
    return luma
