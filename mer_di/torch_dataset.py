"""A cache as a torch dataset: streams of normalized images and their labels.

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
from mer_di.cache import PHASES, Cache, open_cache
from mer_di.errors import CacheError, InputError
from mer_di.streams import FlowStream, Normalization

GREY_LEVELS = 8.0
"""Grey levels that become 1 under ``unit-weight``.

A micro-expression is a change of a few grey levels, and a backbone expects inputs of order one. In the standardization
of ImageNet one unit is about 58 grey levels, which would leave such a change below 0.1. Eight is the order of
magnitude, and a power of two rounds nothing; it was not tuned.
"""
STRAIN = 1 / 16
"""Strain of the skin that becomes 1 under ``unit-weight``; a displacement of one pixel becomes 1.

A displacement of 1 pixel that fades within 14 strains the skin by 0.04, and one of 2 within 20 by 0.06. Chosen like
`GREY_LEVELS`: the order of magnitude, a power of two, not tuned.
"""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Samples in memory.

    Attributes
    ----------
    images : Tensor of float32, shape (N, n_streams, 3, S, S), RGB
        Normalized images; of optical flow u, v and strain in place of colours.
    labels : Tensor of int64, shape (N,)
        0-based class of each sample.
    neighbours : Tensor of float32, shape (N, K, n_streams, 3, S, S), or None
        The same samples split at K neighbouring apexes.

    Raises
    ------
    InputError
        If shapes or dtypes are not these.
    """

    images: Tensor
    labels: Tensor
    neighbours: Tensor | None = None

    def __post_init__(self) -> None:
        for tensor in (self.images, self.labels, *(() if self.neighbours is None else (self.neighbours,))):
            if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or tensor.requires_grad:
                raise InputError("images and labels are to be tensors, dense and without gradients: x.detach()")
        shape = tuple(self.images.shape)
        if len(shape) != 5 or shape[2] != 3 or shape[3] != shape[4] or self.images.dtype != torch.float32:
            raise InputError(f"images are {self.images.dtype} {shape}; expected float32 (N, n_streams, 3, S, S)")
        if tuple(self.labels.shape) != shape[:1] or self.labels.dtype != torch.int64:
            raise InputError(f"labels are {self.labels.dtype} {tuple(self.labels.shape)}; expected int64 ({shape[0]},)")
        if self.neighbours is not None:
            beside = tuple(self.neighbours.shape)
            if beside[:1] + beside[2:] != shape or len(beside) != 6 or self.neighbours.dtype != torch.float32:
                raise InputError(f"neighbours are {self.neighbours.dtype} {beside}; expected K of each of {shape}")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Sequence[int] | NDArray[np.integer[Any]] | Tensor) -> "LabelledImages":
        """Return a copy of the rows at some 0-based indices, in that order."""
        rows = torch.as_tensor(np.asarray(indices, dtype=np.int64), device=self.labels.device)
        beside = None if self.neighbours is None else self.neighbours[rows]
        return LabelledImages(self.images[rows], self.labels[rows], beside)

    def at_drawn_apexes(self, generator: torch.Generator) -> "LabelledImages":
        """Return each sample at one of its apexes, its own or a neighbouring one, all equally probable.

        Raises
        ------
        InputError
            If there are no neighbours.
        """
        if self.neighbours is None:
            raise InputError("the samples have no neighbouring apexes to draw from; build with --apex-jitter K")
        device = self.images.device
        drawn = torch.randint(self.neighbours.shape[1] + 1, (len(self),), generator=generator).to(device)
        beside = self.neighbours[torch.arange(len(self), device=device), (drawn - 1).clamp(min=0)]
        return LabelledImages(torch.where((drawn == 0).view(-1, 1, 1, 1, 1), self.images, beside), self.labels)

    def to(self, device: torch.device | str) -> "LabelledImages":
        """Return the same samples on a device."""
        beside = None if self.neighbours is None else self.neighbours.to(device)
        return LabelledImages(self.images.to(device), self.labels.to(device), beside)


class DynamicImageDataset(Dataset[tuple[Tensor, Tensor]]):
    """The samples of a cache, in its row order.

    An item is ``(images, label)``: float32 of shape (n_streams, 3, S, S), RGB, and an int64 scalar. The file is opened
    on first use and once in every worker process of a ``DataLoader``; HDF5 handles do not survive a fork.

    Parameters
    ----------
    path : path-like
        A file that ``mer-di build`` wrote.
    streams : sequence of {"onset", "offset", "full", "flow_onset", "flow_offset"}
        Which images, in which order: dynamic images, and optical flow where the cache has any.
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

        An image without any contrast becomes 0 in all of them. In an image of optical flow the displacements u and v
        share a scale, so that they keep their direction, and the strain has its own: under ``unit-weight`` pixels of
        the item and `STRAIN`, under the others the largest, least or mean of the two and of the one.
    size : int, optional
        Side S of the items in pixels; by default the cache's. Resized bilinearly, anti-aliased, before normalizing.
        Displacements are scaled with the image: they are in its pixels.

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
        weighed = {*self.streams} - {*get_args(FlowStream)}
        self._units = {stream: GREY_LEVELS * cache.half_weights(stream) for stream in weighed}

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self._images(index), torch.tensor(self.labels[index])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": None}

    def load(self, *, neighbours: bool = False) -> LabelledImages:
        """Read every sample into memory, N · n_streams · 12 · S² bytes of it.

        Parameters
        ----------
        neighbours : bool
            Read those of the neighbouring apexes as well, K times as much. A stream that is no phase, of which a cache
            holds none, is the same at all of them.

        Raises
        ------
        CacheError
            If the cache was built without neighbouring apexes.
        InputError
            If no stream is a phase.
        """
        images = torch.empty(len(self), len(self.streams), 3, self.size, self.size)
        for index, row in enumerate(images):
            row.copy_(self._images(index))
        labels = torch.from_numpy(self.labels.copy())
        return LabelledImages(images, labels, self._neighbours(images) if neighbours else None)

    def _neighbours(self, images: Tensor) -> Tensor:
        phases = [(stream, place) for place, stream in enumerate(self.streams) if stream in PHASES]
        if not phases:
            raise InputError(f"streams are {', '.join(self.streams)}; only the images of phases have neighbours")
        with open_cache(self.path) as cache:
            units = {stream: GREY_LEVELS * cache.neighbour_half_weights(stream) for stream, _ in phases}
            beside = images[:, None].repeat(1, cache.jitter, 1, 1, 1, 1)
            for stream, place in phases:
                for index, of_sample in enumerate(beside[:, :, place]):
                    for k, raw in enumerate(torch.from_numpy(cache.neighbour_images(stream)[index])):
                        of_sample[k] = self._normalized(self._resized(raw.permute(2, 0, 1)), units[stream][index, k])
        return beside

    def _images(self, index: int) -> Tensor:
        return torch.stack([self._image(stream, index) for stream in self.streams])

    def _image(self, stream: str, index: int) -> Tensor:
        raw = torch.from_numpy(self._cache().images(stream)[index]).permute(2, 0, 1)
        side, raw = raw.shape[-1], self._resized(raw)
        if stream in self._units:
            return self._normalized(raw, self._units[stream][index])
        displacement, strain = raw[:2] * (self.size / side), raw[2:]
        return torch.cat([self._normalized(displacement, 1), self._normalized(strain, STRAIN)])

    def _resized(self, raw: Tensor) -> Tensor:
        if raw.shape[-1] == self.size:
            return raw
        wanted = (self.size, self.size)
        return interpolate(raw[None], wanted, mode="bilinear", align_corners=False, antialias=True)[0]

    def _normalized(self, values: Tensor, unit: float) -> Tensor:
        if self.normalization == "unit-weight":
            return _divided(values, torch.tensor(unit, dtype=values.dtype))
        return _OF_ONE_IMAGE[self.normalization](values)

    def _cache(self) -> Cache:
        process = os.getpid()
        if self._open is None or self._open[0] != process:
            self._open = process, open_cache(self.path)
        return self._open[1]


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
