"""A cache as a torch dataset: streams of normalized dynamic images and their labels.

Every normalization looks at one image alone. Nothing is fitted on the data, so no statistic of a held-out subject can
reach a training fold.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from mer_di.arguments import one_of, whole_number
from mer_di.cache import Cache, open_cache
from mer_di.errors import CacheError, InputError
from mer_di.rank_pooling import scheme_weights
from mer_di.streams import Normalization

GREY_LEVELS = 8.0
"""Grey levels that become 1 under ``unit-weight``.

A micro-expression is a change of a few grey levels, and a backbone expects inputs of order one. In the standardization
of ImageNet one unit is about 58 grey levels, which would leave such a change below 0.1. Eight is the order of
magnitude, and a power of two rounds nothing; it was not tuned.
"""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Samples in memory.

    Attributes
    ----------
    images : Tensor of float32, shape (N, n_streams, 3, S, S), RGB
        Normalized dynamic images.
    labels : Tensor of int64, shape (N,)
        0-based class of each sample.

    Raises
    ------
    InputError
        If shapes or dtypes are not these.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        for tensor in (self.images, self.labels):
            if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or tensor.requires_grad:
                raise InputError("images and labels are to be tensors, dense and without gradients: x.detach()")
        shape = tuple(self.images.shape)
        if len(shape) != 5 or shape[2] != 3 or shape[3] != shape[4] or self.images.dtype != torch.float32:
            raise InputError(f"images are {self.images.dtype} {shape}; expected float32 (N, n_streams, 3, S, S)")
        if tuple(self.labels.shape) != shape[:1] or self.labels.dtype != torch.int64:
            raise InputError(f"labels are {self.labels.dtype} {tuple(self.labels.shape)}; expected int64 ({shape[0]},)")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Sequence[int] | NDArray[np.integer[Any]] | Tensor) -> "LabelledImages":
        """Return a copy of the rows at some 0-based indices, in that order."""
        rows = torch.as_tensor(np.asarray(indices, dtype=np.int64), device=self.labels.device)
        return LabelledImages(self.images[rows], self.labels[rows])

    def to(self, device: torch.device | str) -> "LabelledImages":
        """Return the same samples on a device."""
        return LabelledImages(self.images.to(device), self.labels.to(device))


class DynamicImageDataset(Dataset[tuple[Tensor, Tensor]]):
    """The samples of a cache, in its row order.

    An item is ``(images, label)``: float32 of shape (n_streams, 3, S, S), RGB, and an int64 scalar. The file is opened
    on first use and once in every worker process of a ``DataLoader``; HDF5 handles do not survive a fork.

    Parameters
    ----------
    path : path-like
        A file that ``mer-di build`` wrote.
    streams : sequence of {"onset", "offset", "full"}
        Which dynamic images, in which order.
    normalization : {"unit-weight", "symmetric", "minmax", "l2"}
        ``unit-weight`` (default)
            Raw sums over Σ|α|/2, in units of `GREY_LEVELS` grey levels: no motion is 0, clips of different length
            compare, and a strong expression stays stronger than a weak one. The other three lose that.
        ``symmetric``
            x / max|x|, within [−1, 1]; no motion is 0.
        ``minmax``
            The smallest value of all pixels and channels becomes −1, the largest 1, as most published code feeds it;
            no motion becomes a grey that differs from image to image.
        ``l2``
            x / √mean(x²); no motion is 0.

        An image without any contrast becomes 0 in all of them.
    size : int, optional
        Side S of the items in pixels; by default the cache's. Resized bilinearly, anti-aliased, before normalizing.

    Attributes
    ----------
    sample_ids, subjects : list of str
    labels : ndarray of int64, shape (N,)
    classes : list of str
        Emotions in label order.

    Raises
    ------
    CacheError
        If the cache cannot be read, has no such stream, or holds no sample.
    InputError
        If the normalization is unknown or the size is not positive.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        streams: Sequence[str] = ("onset", "offset"),
        *,
        normalization: Normalization = "unit-weight",
        size: int | None = None,
    ) -> None:
        one_of("normalization", normalization, get_args(Normalization))
        self.path = Path(path)
        self.streams = tuple(streams)
        self.normalization = normalization
        self._open: tuple[int, Cache] | None = None
        with open_cache(self.path) as cache:
            self._read_table(cache)
            self.size = cache.recipe.size if size is None else whole_number("size", size, at_least=1)
        if not self.sample_ids:
            raise CacheError(f"{self.path} holds no sample; `mer-di info` says why they were dropped")

    def _read_table(self, cache: Cache) -> None:
        self.sample_ids = [str(name) for name in cache.column("sample_id")]
        self.subjects = [str(name) for name in cache.column("subject")]
        self.labels: NDArray[np.int64] = cache.column("label")
        self.classes = cache.classes
        for stream in self.streams:
            cache.images(stream)
        self._units = {stream: GREY_LEVELS * _half_weights(cache, stream) for stream in set(self.streams)}

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self._images(index), torch.tensor(self.labels[index])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": None}

    def load(self, rows: Sequence[int] | None = None) -> LabelledImages:
        """Read every sample, or those in some 0-based rows, into memory: n_streams · 12 · S² bytes of it each."""
        chosen = list(range(len(self))) if rows is None else list(rows)
        images = torch.empty(len(chosen), len(self.streams), 3, self.size, self.size)
        for index, image in zip(chosen, images, strict=True):
            image.copy_(self._images(index))
        return LabelledImages(images, torch.from_numpy(self.labels[chosen]))

    def _images(self, index: int) -> Tensor:
        return torch.stack([self._image(stream, index) for stream in self.streams])

    def _image(self, stream: str, index: int) -> Tensor:
        raw = torch.from_numpy(self._cache().images(stream)[index]).permute(2, 0, 1)
        if raw.shape[-1] != self.size:
            side = (self.size, self.size)
            raw = interpolate(raw[None], side, mode="bilinear", align_corners=False, antialias=True)[0]
        if self.normalization == "unit-weight":
            return _divided(raw, torch.tensor(self._units[stream][index], dtype=raw.dtype))
        return _OF_ONE_IMAGE[self.normalization](raw)

    def _cache(self) -> Cache:
        process = os.getpid()
        if self._open is None or self._open[0] != process:
            self._open = process, open_cache(self.path)
        return self._open[1]


def _half_weights(cache: Cache, stream: str) -> NDArray[np.float64]:
    """Return Σ|α| / 2 of each sample's row of weights."""
    recipe = cache.recipe
    lengths = cache.lengths(stream)
    half = {
        n: np.abs(scheme_weights(n, scheme=recipe.scheme, temporal_length=recipe.temporal_length)).sum() / 2
        for n in set(lengths.tolist())
    }
    return np.array([half[n] for n in lengths.tolist()])


def _symmetric(image: Tensor) -> Tensor:
    return _divided(image, image.abs().max())


def _minmax(image: Tensor) -> Tensor:
    low, high = image.min(), image.max()
    return _divided(2 * image - low - high, high - low)


def _l2(image: Tensor) -> Tensor:
    return _divided(image, image.square().mean().sqrt())


def _divided(image: Tensor, divisor: Tensor) -> Tensor:
    """Divide, where an image without contrast (divisor 0) becomes zeros."""
    return image / divisor if divisor > 0 else torch.zeros_like(image)


_OF_ONE_IMAGE: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"symmetric": _symmetric, "minmax": _minmax, "l2": _l2}
)
