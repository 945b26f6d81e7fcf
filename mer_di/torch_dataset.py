"""A cache as a torch dataset: streams of normalized images and their labels.

Every normalization looks at one image alone. Nothing is fitted on the data, so no statistic of a held-out subject can
reach a training fold.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from mer_di.flow_maps import flow_map, require_combination
from mer_di.streams import CombinedFlow, DynamicStream, FlowMap, FlowStream, Normalization

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
    genders : Tensor of int64, shape (N,), or None
        0 or 1, of the person in each sample, where a training is to learn it as well.

    Raises
    ------
    InputError
        If shapes or dtypes are not these.
    """

    images: Tensor
    labels: Tensor
    neighbours: Tensor | None = None
    genders: Tensor | None = None

    def __post_init__(self) -> None:
        for tensor in (self.images, self.labels, *(each for each in self._tensors[2:] if each is not None)):
            if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or tensor.requires_grad:
                raise InputError("images, labels, genders are to be tensors, dense and without gradients: x.detach()")
        shape = tuple(self.images.shape)
        if len(shape) != 5 or shape[2] != 3 or shape[3] != shape[4] or self.images.dtype != torch.float32:
            raise InputError(f"images are {self.images.dtype} {shape}; expected float32 (N, n_streams, 3, S, S)")
        if tuple(self.labels.shape) != shape[:1] or self.labels.dtype != torch.int64:
            raise InputError(f"labels are {self.labels.dtype} {tuple(self.labels.shape)}; expected int64 ({shape[0]},)")
        if self.neighbours is not None:
            beside = tuple(self.neighbours.shape)
            if beside[:1] + beside[2:] != shape or len(beside) != 6 or self.neighbours.dtype != torch.float32:
                raise InputError(f"neighbours are {self.neighbours.dtype} {beside}; expected K of each of {shape}")
        found = self.genders
        if found is not None and (found.shape != self.labels.shape or not {*found.tolist()} <= {0, 1}):
            raise InputError(f"genders are {found.dtype} {tuple(found.shape)}; expected 0 or 1 for each of {shape[0]}")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Sequence[int] | NDArray[np.integer[Any]] | Tensor) -> "LabelledImages":
        """Return a copy of the rows at some 0-based indices, in that order."""
        rows = torch.as_tensor(np.asarray(indices, dtype=np.int64), device=self.labels.device)
        return self._each(lambda tensor: tensor[rows])

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
        images = torch.where((drawn == 0).view(-1, 1, 1, 1, 1), self.images, beside)
        return replace(self, images=images, neighbours=None)

    def to(self, device: torch.device | str) -> "LabelledImages":
        """Return the same samples on a device."""
        return self._each(lambda tensor: tensor.to(device))

    @property
    def _tensors(self) -> tuple[Tensor | None, ...]:
        return self.images, self.labels, self.neighbours, self.genders

    def _each(self, change: Callable[[Tensor], Tensor]) -> "LabelledImages":
        changed = (None if tensor is None else change(tensor) for tensor in self._tensors)
        return LabelledImages(*changed)  # type: ignore[arg-type]


class DynamicImageDataset(Dataset[tuple[Tensor, Tensor]]):
    """The samples of a cache, in its row order.

    An item is ``(images, label)``: float32 of shape (n_streams, 3, S, S), RGB, and an int64 scalar. The file is opened
    on first use and once in every worker process of a ``DataLoader``; HDF5 handles do not survive a fork.

    Parameters
    ----------
    path : path-like
        A file that ``mer-di build`` wrote.
    streams : sequence of str
        Which images, in which order: the dynamic images ``onset``, ``offset`` and ``full``; where the cache has optical
        flow, ``flow_onset`` and ``flow_offset``, and the maps of both that `mer_di.flow_maps.flow_map` makes.
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
        the item and `STRAIN`, under the others the largest, least or mean of the two and of the one. A map of flow has
        its range by its formula: ``unit-weight`` leaves it as it is.
    size : int, optional
        Side S of the items in pixels; by default the cache's. Resized bilinearly, anti-aliased, before normalizing.
        Displacements are scaled with the image: they are in its pixels. Maps of flow are made before.
    flow_combination : sequence of float, optional
        θ₁, θ₂ and n of the stream ``flow_combined``.

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
        If the normalization is unknown, the size is not positive, or the flow combination is missing or makes no sense.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        streams: Sequence[str] = ("onset", "offset"),
        *,
        normalization: Normalization = "unit-weight",
        size: int | None = None,
        flow_combination: Sequence[float] = (),
    ) -> None:
        one_of("normalization", normalization, get_args(Normalization))
        self.path = Path(path)
        self.streams = tuple(streams)
        self.normalization = normalization
        if {*self.streams} & {*get_args(CombinedFlow)}:
            require_combination(flow_combination)
        self.flow_combination = flow_combination
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
            for cached in get_args(FlowStream) if stream in get_args(FlowMap) else (stream,):
                cache.images(cached)
        weighed = {*self.streams} & {*get_args(DynamicStream)}
        self._units = {stream: GREY_LEVELS * cache.half_weights(stream) for stream in weighed}

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self._images(index), torch.tensor(self.labels[index])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": None}

    def load(self, rows: Sequence[int] | None = None, *, neighbours: bool = False) -> LabelledImages:
        """Read every sample, or those in some 0-based rows, into memory: n_streams · 12 · S² bytes of it each.

        Parameters
        ----------
        rows : sequence of int, optional
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
        chosen = list(range(len(self))) if rows is None else list(rows)
        images = torch.empty(len(chosen), len(self.streams), 3, self.size, self.size)
        for index, image in zip(chosen, images, strict=True):
            image.copy_(self._images(index))
        labels = torch.from_numpy(self.labels[chosen])
        return LabelledImages(images, labels, self._neighbours(images, chosen) if neighbours else None)

    def raw(self, stream: str, index: int) -> NDArray[np.float32]:
        """Return an image of a sample before it is resized and normalized: as it is cached, or a map of cached flow.

        Parameters
        ----------
        stream : str
            One of the dataset's.
        index : int
            0-based row.

        Returns
        -------
        ndarray of float32, shape (S, S, 3)
            S is the cache's.
        """
        cache = self._cache()
        if stream not in get_args(FlowMap):
            image: NDArray[np.float32] = cache.images(stream)[index]
            return image
        onset, offset = (cache.images(flow)[index] for flow in get_args(FlowStream))
        return flow_map(stream, onset, offset, self.flow_combination)

    def _neighbours(self, images: Tensor, chosen: Sequence[int]) -> Tensor:
        phases = [(stream, place) for place, stream in enumerate(self.streams) if stream in PHASES]
        if not phases:
            raise InputError(f"streams are {', '.join(self.streams)}; only the images of phases have neighbours")
        with open_cache(self.path) as cache:
            units = {stream: GREY_LEVELS * cache.neighbour_half_weights(stream) for stream, _ in phases}
            beside = images[:, None].repeat(1, cache.jitter, 1, 1, 1, 1)
            for stream, place in phases:
                for index, of_sample in zip(chosen, beside[:, :, place], strict=True):
                    for k, raw in enumerate(torch.from_numpy(cache.neighbour_images(stream)[index])):
                        of_sample[k] = self._normalized(self._resized(raw.permute(2, 0, 1)), units[stream][index, k])
        return beside

    def _images(self, index: int) -> Tensor:
        return torch.stack([self._image(stream, index) for stream in self.streams])

    def _image(self, stream: str, index: int) -> Tensor:
        raw = torch.from_numpy(self.raw(stream, index)).permute(2, 0, 1)
        side, raw = raw.shape[-1], self._resized(raw)
        if stream in self._units:
            return self._normalized(raw, self._units[stream][index])
        if stream in get_args(FlowMap):
            return self._normalized(raw, 1)
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
