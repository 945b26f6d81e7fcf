"""Every network by its name, and what it takes: a new one is a row here, and a module of its layers."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from mer_di.streams import DynamicStream, FlowStream, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What sets a network apart, its layers aside.

    Attributes
    ----------
    layers : str
        ``module.Class`` in `mer_di.learning.models`, called with the number of classes, and before it with the
        `ModelConfig` if there are parameters of its own.
    size : int
        Side of its images in pixels, where no other is asked for.
    smallest : int or None
        Least side: of less, its last map is not one position. None where layers on the last map fit ``size`` alone.
    streams : tuple of tuple of str, or None
        For each of its streams, the images that it may be; None for one or two of any.
    parameters : tuple of str
        The fields of `ModelConfig` that it has and others do not.
    learns_gender : bool
        Whether it returns scores of the gender, to be trained on beside the emotion.
    """

    layers: str
    size: int
    smallest: int | None = None
    streams: tuple[tuple[Stream, ...], ...] | None = (get_args(Stream),)
    parameters: tuple[str, ...] = ()
    learns_gender: bool = False

    def takes(self, streams: Sequence[Stream]) -> bool:
        """Return whether the images are as many and of such kinds as its streams."""
        if self.streams is None:
            return len(streams) in (1, 2)
        return len(streams) == len(self.streams) and all(map(operator.contains, self.streams, streams))


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "dianet": Architecture(
            layers="dianet.DIANet",
            size=224,
            smallest=1,  # what a backbone takes is tried
            streams=None,
            parameters=("backbone", "weights", "fusion", "dedicated_backbones", "dropout"),
        ),
        "learnet": Architecture(layers="learnet.LEARNet", size=112),
        "learnet-vnu": Architecture(layers="learnet_vnu.LEARNetVNU", size=112, smallest=32),
        "originet": Architecture(layers="originet.OrigiNet", size=128),
        "geme-reconstruction": Architecture(
            layers="geme.GEMEReconstruction", size=224, smallest=32, learns_gender=True
        ),
        "fdcn-reconstruction": Architecture(
            layers="fdcn.FDCNReconstruction",
            size=224,
            smallest=32,
            streams=(get_args(DynamicStream), get_args(FlowStream)),
        ),
        "affectivenet-reconstruction": Architecture(
            layers="affectivenet.AffectiveNetReconstruction", size=112, smallest=8
        ),
    }
)
