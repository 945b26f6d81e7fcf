"""Dynamic images of frames in memory, and named ways to bring their values into a range."""

from collections.abc import Callable, Iterable, Mapping, Sized
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.accumulate import Backend, weighted_sums
from mer_di.arguments import is_on_gpu, items, one_of, plain_array
from mer_di.errors import InputError
from mer_di.phases import SHORTEST_PHASE, ApexIn
from mer_di.rank_pooling import (
    SCHEMES,
    Magnification,
    Motion,
    Reversal,
    apex_centred,
    motion_intensity,
    motion_ranked,
    scheme_weights,
)
from mer_di.weighing import clip_weights

Image = NDArray[Any]
Frames = Iterable[ArrayLike]


class PhaseImages(NamedTuple):
    """The two dynamic images of a micro-expression.

    Attributes
    ----------
    onset : ndarray, shape (H, W) or (H, W, C)
        Dynamic image of onset→apex.
    offset : ndarray, shape (H, W) or (H, W, C)
        Dynamic image of apex→offset.
    """

    onset: Image
    offset: Image


def dynamic_image(
    frames: Frames,
    *,
    scheme: str = "arp",
    normalization: str = "raw",
    temporal_length: int | None = None,
    apex: int | None = None,
    magnification: Magnification | None = None,
    backend: Backend = "auto",
) -> Image:
    """Compute the dynamic image of a whole clip, Σ_t α_t·F_t.

    Parameters
    ----------
    frames : ndarray of shape (T, H, W) or (T, H, W, C), or iterable of T frames of shape (H, W) or (H, W, C)
        At least two frames, in temporal order; integers or floats (see `mer_di.accumulate`). Channels are summed
        each for itself, so their order is kept. The weights depend on T: an iterator that does not know its
        length is first collected into a list. Give an array or a sequence to keep one frame in memory;
        ``motion_ranked`` goes through it twice.
    scheme : str
        A name in `mer_di.rank_pooling.SCHEMES`. ``motion_ranked`` ranks by the difference from the first frame.
    normalization : str
        A mode of `normalize`.
    temporal_length : int, optional
        Resample the clip linearly to this many frames, folded into the weights.
    apex : int, optional
        0-based index of the apex frame in ``frames``; ``apex_centred`` needs it, no other scheme looks at it.
    magnification : Magnification, optional
        Band and factor; ``magnified`` needs it, no other scheme takes one.
    backend : {"auto", "numpy", "cpu", "cuda"}
        See `mer_di.accumulate.weighted_sums`. All give the same bits.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, C)
        ``raw``: int32 or int64 for integer frames under integer weights, else float64. A motionless clip of integers
        gives exactly zero in every scheme but ``harmonic_legacy``.

    Raises
    ------
    InputError
        If a name is unknown, there are fewer than two frames, frames do not fit each other, ``apex_centred`` is
        not told the apex or ``magnified`` not its band, or frames to be ranked by motion are on a GPU.
    BackendUnavailableError
        If ``backend`` is ``cuda`` and cannot run here.

    References
    ----------
    Khuong et al., DIANet, 2025, Eqs. 1 and 2; Bilen et al., Dynamic Image Networks, CVPR 2016.

    Examples
    --------
    >>> frames = np.array([[[10, 10]], [[10, 12]], [[10, 16]]], dtype=np.uint8)
    >>> dynamic_image(frames)
    array([[ 0, 12]], dtype=int32)
    """
    _require_mode(normalization)
    n_frames, frames = _counted(frames)
    if n_frames < SHORTEST_PHASE:
        raise InputError(f"the clip has {n_frames} frame(s); a dynamic image needs at least {SHORTEST_PHASE}")
    one_of("scheme", scheme, SCHEMES)
    if scheme == apex_centred.__name__ and apex is None:
        raise InputError(f"scheme {scheme} weighs a clip around its apex; say where it is: apex=<0-based index>")
    weights = scheme_weights(
        n_frames,
        scheme=scheme,
        temporal_length=temporal_length,
        apex=apex,
        motion=_motion(frames, scheme),
        magnification=magnification,
    )
    (image,) = weighted_sums(frames, weights, backend=backend)
    return normalize(image, normalization, weights=weights)


def phase_dynamic_images(
    frames: Frames,
    apex: int,
    *,
    scheme: str = "arp",
    reversal: Reversal = "time",
    apex_in: ApexIn = "both",
    normalization: str = "raw",
    temporal_length: int | None = None,
    magnification: Magnification | None = None,
    apex_sigma: float | None = None,
    backend: Backend = "auto",
) -> PhaseImages:
    """Compute the dynamic images of onset→apex and of apex→offset in one pass over the frames.

    Parameters
    ----------
    frames : ndarray of shape (T, H, W) or (T, H, W, C), or iterable of T frames of shape (H, W) or (H, W, C)
        The clip from onset to offset, both inclusive, in temporal order; see `dynamic_image`.
    apex : int
        0-based index of the apex frame in ``frames``.
    scheme : str
        A name in `mer_di.rank_pooling.SCHEMES`.
    reversal : {"time", "sign"}
        How the scheme becomes the fading phase's: on the time-reversed phase, or negated.
    apex_in : {"both", "onset", "offset"}
        Which phase holds the apex frame.
    normalization : str
        A mode of `normalize`, applied to each image for itself.
    temporal_length : int, optional
        Resample each phase linearly to this many frames, folded into the weights.
    magnification : Magnification, optional
        Band and factor; ``magnified`` needs it, no other scheme takes one. The clip is magnified before it is split.
    apex_sigma : float, optional
        Frames by which the apex is uncertain: the images that are to be expected, see `mer_di.weighing.apex_shares`.
    backend : {"auto", "numpy", "cpu", "cuda"}
        See `mer_di.accumulate.weighted_sums`. All give the same bits.

    Returns
    -------
    PhaseImages
        ``onset`` and ``offset``, each of shape (H, W) or (H, W, C), with dtypes as in `dynamic_image`. With the
        defaults Σ (2t−T−1)·F_t and Σ (T+1−2t)·F_t, each over its own T frames.

    Raises
    ------
    InputError
        If a name is unknown, the apex is not an index into the frames, a phase has fewer than two frames, frames do
        not fit each other, or what a scheme needs is missing or refused (see `dynamic_image`).
    BackendUnavailableError
        If ``backend`` is ``cuda`` and cannot run here.

    References
    ----------
    Khuong et al., DIANet, 2025, Eqs. 2 and 3.

    Examples
    --------
    >>> frames = np.array([[[10, 10]], [[10, 13]], [[10, 16]], [[10, 12]]], dtype=np.uint8)
    >>> phase_dynamic_images(frames, apex=2)
    PhaseImages(onset=array([[ 0, 12]], dtype=int32), offset=array([[0, 4]], dtype=int32))
    """
    _require_mode(normalization)
    one_of("scheme", scheme, SCHEMES)
    n_frames, frames = _counted(frames)
    weights = clip_weights(
        n_frames,
        apex,
        scheme=scheme,
        reversal=reversal,
        apex_in=apex_in,
        temporal_length=temporal_length,
        motion=_motion(frames, scheme),
        magnification=magnification,
        apex_sigma=apex_sigma,
    )[:2]
    onset, offset = weighted_sums(frames, weights, backend=backend)
    return PhaseImages(
        normalize(onset, normalization, weights=weights[0]), normalize(offset, normalization, weights=weights[1])
    )


def normalize(image: ArrayLike, mode: str, *, weights: ArrayLike | None = None) -> Image:
    """Bring the values of a dynamic image into a known range.

    Parameters
    ----------
    image : array_like of shape (H, W) or (H, W, C)
        Integers or finite floats of either sign.
    mode : {"raw", "minmax", "minmax-channel", "symmetric", "unit-weight", "l2"}
        ``raw``
            Unchanged. No motion is 0.
        ``minmax``
            uint8: the smallest value of all pixels and channels becomes 0, the largest 255. No motion becomes a grey
            that differs from image to image. A reversed image becomes its photographic negative.
        ``minmax-channel``
            uint8: the same in each channel for itself. No motion becomes a tint that differs from image to image.
        ``symmetric``
            uint8: 128 + 127·x / max|x|, rounded. No motion is 128 in every image; 0 does not occur.
        ``unit-weight``
            float32: x / (Σ|α| / 2). In a zero-sum scheme that is the weighted mean of the frames with positive weight
            minus that of the others: grey levels, whatever the length of the clip. No motion is 0.
        ``l2``
            float32: x / √Σx². No motion is 0.
    weights : array_like of shape (T,), optional
        The row α of the image; needed by ``unit-weight`` only.

    Returns
    -------
    ndarray of the same shape
        An image without any contrast is defined in every mode: 0 in ``minmax`` and ``minmax-channel``, whatever its
        value; an image of zeros is 128 in ``symmetric`` and 0 in ``unit-weight`` and ``l2``.

    Raises
    ------
    InputError
        If the mode is unknown, ``unit-weight`` is asked for without weights, or the image is no such array.

    Examples
    --------
    >>> normalize(np.array([[-2, 0, 1]]), "symmetric")
    array([[  1, 128, 192]], dtype=uint8)
    """
    _require_mode(mode)
    array = plain_array("the image", image)
    if array.ndim not in (2, 3) or array.size == 0 or array.dtype.kind == "b":
        raise InputError(
            f"image has shape {array.shape} and dtype {array.dtype}; expected numbers, (H, W) or (H, W, C)"
        )
    if mode == "raw":
        return array
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("the image has a value that is not finite; expected finite numbers")
    if mode == "unit-weight":
        return _unit_weight(values, weights)
    return _MODES[mode](values)


def _minmax(values: NDArray[np.float64]) -> Image:
    return _stretched(values, (0, 1, 2)[: values.ndim])


def _minmax_channel(values: NDArray[np.float64]) -> Image:
    return _stretched(values, (0, 1))


def _stretched(values: NDArray[np.float64], axes: tuple[int, ...]) -> Image:
    above = values - values.min(axis=axes, keepdims=True)
    return np.rint(_divided(255 * above, above.max(axis=axes, keepdims=True))).astype(np.uint8)


def _symmetric(values: NDArray[np.float64]) -> Image:
    return (128 + np.rint(_divided(127 * values, np.abs(values).max()))).astype(np.uint8)


def _l2(values: NDArray[np.float64]) -> Image:
    return _divided(values, np.sqrt(np.sum(values**2))).astype(np.float32)


def _unit_weight(values: NDArray[np.float64], weights: ArrayLike | None) -> Image:
    if weights is None:
        raise InputError("mode 'unit-weight' divides by the weights of the image; give them as weights=")
    row = plain_array("weights", weights)
    if row.ndim != 1 or not row.size or not np.isfinite(row).all():
        raise InputError(f"weights have shape {row.shape}; expected the one row (T,) of this image, of finite numbers")
    return _divided(values, np.abs(row).sum() / 2).astype(np.float32)


def _divided(values: NDArray[np.float64], divisor: ArrayLike) -> NDArray[np.float64]:
    """Divide, where nothing divided by nothing is nothing."""
    divisor = np.broadcast_to(divisor, values.shape)
    quotient = np.zeros_like(values)
    np.divide(values, divisor, out=quotient, where=divisor != 0)
    return quotient


_MODES: Mapping[str, Callable[[NDArray[np.float64]], Image]] = MappingProxyType(
    {"minmax": _minmax, "minmax-channel": _minmax_channel, "symmetric": _symmetric, "l2": _l2}
)
NORMALIZATIONS = ("raw", "unit-weight", *_MODES)


def _require_mode(mode: str) -> None:
    one_of("normalization", mode, NORMALIZATIONS)


def _motion(frames: Frames, scheme: str) -> Motion | None:
    if scheme != motion_ranked.__name__:
        return None
    if is_on_gpu("frames", frames):
        raise InputError(f"frames are on the GPU; scheme {scheme} compares them on the host: copy them there")
    return motion_intensity(frames)


def _counted(frames: Frames) -> tuple[int, Frames]:
    if is_on_gpu("frames", frames):
        shape = frames.__cuda_array_interface__["shape"]  # type: ignore[attr-defined]
        return int(shape[0]) if shape else 0, frames
    if not isinstance(frames, Sized):
        frames = list(items("frames", frames))
    try:
        return len(frames), frames
    except TypeError as error:  # of an array without axes, or one that is sparse
        raise InputError(f"frames: found a {type(frames).__name__}; expected frames one after another") from error
