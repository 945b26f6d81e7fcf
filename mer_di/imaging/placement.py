"""Where a face, or a whole frame, is placed in a crop, as an affine matrix.

A *matrix* is a (2, 3) float64 array that maps a frame's (x, y) to the crop's (x, y), in pixels. Pixel centres lie at
integers, so a frame of width W covers -0.5..W-0.5.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.errors import InputError

Matrix = NDArray[np.float64]

CANONICAL_FACE: Matrix = np.array([[0.730, 0.290], [0.597, 0.296], [0.270, 0.290], [0.403, 0.296], [0.500, 0.551]])
"""Where the five landmarks go, as fractions of the crop's side, in the order of :class:`mer_di.imaging.face.Face`.

The proportions are the mean over fifteen photographs of frontal faces, made symmetric; the scale leaves brows (also
raised) to chin inside, with about 5 % below the chin of the longest of them.
"""
CANONICAL_FACE.setflags(write=False)


def similarity(landmarks: ArrayLike, size: int) -> Matrix:
    """Fit the similarity transform that brings a face to the canonical place in a crop.

    Least squares over rotation, uniform scale and translation, without reflection: for points as complex numbers z and
    targets w, minimize Σ|a·z + b - w|², so a = Σ conj(z-z̄)(w-w̄) / Σ|z-z̄|² and b = w̄ - a·z̄. This is Umeyama's solution
    (IEEE TPAMI 13(4), 1991, Eqs. 40-42) in the plane.

    Parameters
    ----------
    landmarks : array_like, shape (5, 2)
        x, y in pixels of the frame: image-right eye's outer and inner corner, image-left eye's outer and inner
        corner, base of the nose.
    size : int
        Side of the crop in pixels.

    Returns
    -------
    ndarray of float64, shape (2, 3)

    Raises
    ------
    InputError
        If the landmarks are not five finite points, or all lie in one place.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != CANONICAL_FACE.shape or not np.isfinite(points).all():
        raise InputError(f"landmarks have shape {points.shape}; expected five finite points, shape (5, 2)")
    z = points @ (1, 1j)
    w = (CANONICAL_FACE * size - 0.5) @ (1, 1j)
    centred = z - z.mean()
    spread = np.vdot(centred, centred).real
    if not spread:
        raise InputError(f"all five landmarks lie at {tuple(points[0])}; expected five points of a face")
    a = np.vdot(centred, w - w.mean()) / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def stretch(height: int, width: int, size: int) -> Matrix:
    """Map the whole frame to the whole crop, edges to edges, without keeping its aspect.

    Parameters
    ----------
    height, width : int
        Size of the frame in pixels.
    size : int
        Side of the crop in pixels.

    Returns
    -------
    ndarray of float64, shape (2, 3)
        x' = (x + 0.5)·size/width - 0.5, and y' alike.
    """
    across, down = size / width, size / height
    return np.array([[across, 0.0, 0.5 * across - 0.5], [0.0, down, 0.5 * down - 0.5]])


def letterbox(height: int, width: int, size: int) -> Matrix:
    """Map the whole frame into the crop, centred and with its aspect kept; the rest of the crop will be zero.

    Parameters
    ----------
    height, width : int
        Size of the frame in pixels.
    size : int
        Side of the crop in pixels, filled by the frame's longer side.

    Returns
    -------
    ndarray of float64, shape (2, 3)
    """
    scale = size / max(height, width)
    left, top = (size - width * scale) / 2, (size - height * scale) / 2
    return np.array([[scale, 0.0, left + 0.5 * scale - 0.5], [0.0, scale, top + 0.5 * scale - 0.5]])
