"""Weighted sums of frames, Σ_t α_t·F_t: K images from T frames, exact for integer frames.

Three twins compute the same bits: ``numpy`` (the reference), ``cpu`` (numba) and ``cuda`` (numba-cuda), which was
tested in numba's simulator and has met no GPU yet. This module checks once, chooses the numbers in which the sums are
held, and calls one of them.

==================  =======================================  =======================================
frames              weights                                  sums
==================  =======================================  =======================================
integers            integers                                 int32 if max|pixel|·Σ|α| fits, else int64; exact
integers            floats that are multiples of a common    float64; summed in int64, rounded once
                    power of two (`mer_di.rank_pooling`)
integers            other floats                             float64, in frame order
floats              any                                      float64, in frame order
==================  =======================================  =======================================

"In frame order" means one rounded multiplication and one rounded addition a frame, first frame first, on every
backend. A frame of weight zero is not looked at: it adds nothing even where its pixels are not finite.
"""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.accumulate._arithmetic import Arithmetic, checked_weights, choose
from mer_di.arguments import is_on_gpu, items, one_of, plain_array
from mer_di.errors import BackendUnavailableError, InputError

__all__ = ["BACKENDS", "Accumulator", "Backend", "weighted_sums"]

Array = NDArray[Any]
Backend = Literal["auto", "numpy", "cpu", "cuda"]

BACKENDS: tuple[Backend, ...] = ("auto", "numpy", "cpu", "cuda")


def weighted_sums(frames: Iterable[ArrayLike], weights: ArrayLike, *, backend: Backend = "auto") -> Array:
    """Sum frames under rows of weights.

    Parameters
    ----------
    frames : ndarray of shape (T, H, W) or (T, H, W, C), or iterable of T frames of shape (H, W) or (H, W, C)
        Integers up to 32 bits (uint32 excepted) or floats, any memory layout. An array is read in place; an
        iterable is read once and never stacked. An object with ``__cuda_array_interface__`` (C order) is
        read on the GPU.
    weights : array_like of shape (T,) or (K, T)
        One row an image, integers or finite floats.
    backend : {"auto", "numpy", "cpu", "cuda"}
        ``auto`` is ``cuda`` for frames on the GPU and ``cpu`` for all others: sending frames to a GPU takes longer
        than summing them here. All backends give the same bits.

    Returns
    -------
    ndarray of int32, int64 or float64, shape (K, H, W) or (K, H, W, C)
        Always with the leading axis and on the host: K images are little beside T frames. See the module for the dtype.

    Raises
    ------
    InputError
        If shapes, dtypes or the number of frames do not fit, or integer sums could exceed int64.
    BackendUnavailableError
        If ``backend`` is ``cuda`` and there is no GPU, or numba-cuda is not installed.

    Examples
    --------
    >>> frames = np.array([[[10, 10]], [[10, 12]], [[10, 16]]], dtype=np.uint8)
    >>> weighted_sums(frames, [-2, 0, 2])
    array([[[ 0, 12]]], dtype=int32)
    """
    sums = Accumulator(weights, backend=backend)
    if isinstance(frames, np.ndarray) or is_on_gpu("frames", frames):
        sums._add_stack(frames)
    else:
        for frame in items("frames", frames):
            sums.add(frame)
    return sums.sums()


class Accumulator:
    """Weighted sums of frames that arrive one at a time, in memory for K images and a few frames.

    Parameters
    ----------
    weights : array_like of shape (T,) or (K, T)
        One row an image, integers or finite floats.
    backend : {"auto", "numpy", "cpu", "cuda"}
        See `weighted_sums`.

    Raises
    ------
    InputError
        If the weights are no such array, or the backend is unknown.

    Notes
    -----
    One accumulator belongs to one thread; several threads may each use their own.
    """

    def __init__(self, weights: ArrayLike, *, backend: Backend = "auto") -> None:
        one_of("backend", backend, BACKENDS)
        self._weights = checked_weights(weights)
        self._backend = backend
        if backend == "cuda":
            _twin(backend).require_gpu()
        self._added = 0
        self._first: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        self._arithmetic: Arithmetic
        self._twin: Any

    def add(self, frame: ArrayLike) -> None:
        """Add the next frame.

        Parameters
        ----------
        frame : array_like of shape (H, W) or (H, W, C)
            Any memory layout, such as a region of a larger frame; all frames have one shape and dtype. It may be
            overwritten afterwards. On the GPU if it has ``__cuda_array_interface__``.

        Raises
        ------
        InputError
            If the shape or dtype is not supported or not that of the first frame, or all T frames have been added.
        BackendUnavailableError
            If the first frame needs a GPU that is not there.
        """
        array = self._array(frame)
        self._add(array.reshape(1, *array.shape))

    def add_stack(self, frames: Any) -> None:  # noqa: ANN401 - an ndarray or an array on the GPU
        """Add the next frames at once, read where they are.

        Parameters
        ----------
        frames : ndarray of shape (n, H, W) or (n, H, W, C)
            See `add`.

        Raises
        ------
        InputError, BackendUnavailableError
            See `add`.
        """
        array = self._array(frames)
        if not array.shape:
            raise InputError("frames have shape (); expected (n, H, W) or (n, H, W, C)")
        self._add(array)

    def sums(self) -> Array:
        """Return the sums after the last frame.

        Returns
        -------
        ndarray of int32, int64 or float64, shape (K, H, W) or (K, H, W, C)
            See `weighted_sums`.

        Raises
        ------
        InputError
            If fewer frames than weights have been added.
        """
        expected = self._weights.shape[1]
        if self._added < expected:
            raise InputError(
                f"{self._added} frames were added, but the weights are for {expected}; add the others first"
            )
        return self._arithmetic.result(self._twin.result())

    def _add_stack(self, frames: Any) -> None:  # noqa: ANN401 - an ndarray or an array on the GPU
        array = self._array(frames)
        expected = self._weights.shape[1]
        if not array.shape or array.shape[0] != expected:
            raise InputError(f"frames have shape {array.shape}, but the weights are for {expected} frames")
        self._add(array)

    def _array(self, frames: Any) -> Any:  # noqa: ANN401 - an ndarray or an array on the GPU
        if not is_on_gpu("frames", frames):
            return plain_array("frames", frames)
        if self._backend not in ("auto", "cuda"):
            raise InputError(
                f"frames are on the GPU, but backend is {self._backend!r}; copy them to the host or use 'cuda'"
            )
        return _twin("cuda").on_device(frames)

    def _add(self, frames: Any) -> None:  # noqa: ANN401 - an ndarray or an array on the GPU
        expected = self._weights.shape[1]
        if self._added + len(frames) > expected:
            raise InputError(f"frame {self._added} (0-based) is one more than the {expected} that the weights are for")
        kind = tuple(frames.shape[1:]), frames.dtype
        if self._first is None:
            self._begin(frames, *kind)
            self._first = kind
        if kind != self._first:
            raise InputError(
                f"frame {self._added} (0-based) has shape {kind[0]} and dtype {kind[1]}, but those before have "
                f"{self._first[0]} and {self._first[1]}; all frames need the same"
            )
        weights = self._arithmetic.weights[:, self._added : self._added + len(frames)]
        self._add_as_pixels(frames, weights)
        self._added += len(frames)

    def _begin(self, frames: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:  # noqa: ANN401
        if len(shape) not in (2, 3) or 0 in shape:
            raise InputError(f"a frame has shape {shape}; expected (H, W) or (H, W, C), none of them zero")
        self._arithmetic = choose(self._weights, dtype)
        backend = self._backend
        if backend == "auto":
            backend = "cpu" if isinstance(frames, np.ndarray) else "cuda"
        self._twin = _twin(backend).Sums(len(self._weights), shape, self._arithmetic.weights.dtype)

    def _add_as_pixels(self, frames: Any, weights: Array) -> None:  # noqa: ANN401 - an ndarray or an array on the GPU
        pixels = self._arithmetic.pixels
        if frames.dtype == pixels:
            self._twin.add(frames, weights)
        elif not isinstance(frames, np.ndarray):
            raise InputError(f"frames on the GPU have dtype {frames.dtype}; convert them to {pixels} there")
        else:
            for t in range(len(frames)):
                self._twin.add(frames[t : t + 1].astype(pixels), weights[:, t : t + 1])


def _twin(backend: str) -> Any:  # noqa: ANN401 - one of the three modules
    if backend == "cuda" and find_spec("numba_cuda") is None:
        raise BackendUnavailableError(
            "backend 'cuda' needs the package numba-cuda, which is not installed: pip install 'mer_di[cuda]', "
            "or use backend='cpu', which gives the same bits"
        )
    return import_module(f"mer_di.accumulate._{backend}")
