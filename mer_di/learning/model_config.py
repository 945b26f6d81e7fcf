"""What makes one network differ from another."""

import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from mer_di.arguments import one_of
from mer_di.errors import InputError
from mer_di.fields import require_fields
from mer_di.flow_maps import require_combination
from mer_di.learning.architectures import ARCHITECTURES, Architecture
from mer_di.streams import CombinedFlow, DynamicStream, FlowDirection, FlowStream, NormalizedFlow, Stream

Fusion = Literal["cross", "cross-single-token", "simple", "concat"]
TestImages = Literal["mean-of-phases", "whole", "per-image"]

LARGEST_INPUT = 4096  # more is a slip: one image of it takes a backbone gigabytes
_KINDS = tuple(map(get_args, (DynamicStream, FlowStream, NormalizedFlow, FlowDirection)))
_OF_SOME = frozenset(name for row in ARCHITECTURES.values() for name in row.parameters)
_DIGEST = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The parameters of a network and of what it is shown.

    Attributes
    ----------
    architecture : str
        ``dianet``, or a rival: ``learnet``, ``learnet-vnu`` and ``originet`` by the layers of their public programs,
        ``geme-reconstruction``, ``fdcn-reconstruction`` and ``affectivenet-reconstruction`` by what their abstracts
        say and by layers of ours. FDCN takes a dynamic image and a flow, the others one stream.
    streams : tuple of str
        One or two, in order: dynamic images ``onset``, ``offset``, ``full``; optical flow ``flow_onset``,
        ``flow_offset``; and maps of the flow, `mer_di.flow_maps.flow_map`: ``flow_combined``,
        ``flow_normalized_onset``, ``flow_direction_onset`` and so on. The same one twice is the "2-stream, dynamic
        image" row of the paper's Table 4.
    flow_combination : tuple of float
        θ₁, θ₂ and n of the stream ``flow_combined``, which has to have them.
    size : int or None
        Side of the input images in pixels; None is the architecture's own: 224, 112 for both forms of LEARNet and for
        AffectiveNet, 128 for OrigiNet. ``learnet`` and ``originet`` have dense layers on their last map and take no
        other.
    temporal_augmentation : bool
        Each of ``streams`` is a training sample of its own, with its clip's label, for a network of one stream: two
        images a clip in place of one (Phase-Aware Temporal Augmentation, arXiv 2510.15466).
    test_images : {"mean-of-phases", "whole", "per-image"}
        What is tested after temporal augmentation, for its paper has not been read for this software:
        ``mean-of-phases`` shows each of ``streams`` and takes the mean of the probabilities, one vote a clip;
        ``whole`` shows the image ``full``, which was trained on by nobody; ``per-image`` counts each image as a
        sample, so that N is that of the images.
    backbone : str
        Of DIANet alone, as all that follows. A short name in `mer_di.learning.models.BACKBONES` or any name that timm
        knows.
    weights : str
        Where the backbone starts: ``imagenet``, ``random``, or the path of a file of weights (safetensors, or
        torch with tensors only).
    fusion : {"cross", "cross-single-token", "simple", "concat"}
        How two streams become one; see `mer_di.learning.models.fusion`. One stream is not fused.
    dedicated_backbones : bool
        A backbone for each stream (the paper's abstract) instead of a shared one (its §2.2).
    dropout : float
        Rate between the two layers of the classifier, within [0, 1). The paper gives none; ½ is the usual one for
        dense layers, and LEARNet's.

    Raises
    ------
    InputError
        If a value is unknown or out of range, or a parameter of DIANet is given for another architecture.
    """

    architecture: str = "dianet"
    streams: tuple[Stream, ...] = ("onset", "offset")
    flow_combination: tuple[float, ...] = ()
    size: int | None = None
    temporal_augmentation: bool = False
    test_images: TestImages = "mean-of-phases"
    backbone: str = "efficientnetv2"
    weights: str = "imagenet"
    fusion: Fusion = "cross"
    dedicated_backbones: bool = False
    dropout: float = 0.5

    def __post_init__(self) -> None:
        require_fields(self)
        one_of("architecture", self.architecture, ARCHITECTURES)
        if len(self.streams) not in (1, 2):
            raise InputError(f"streams are {', '.join(self.streams) or 'none'}; expected one or two")
        if not 1 <= self.input_size <= LARGEST_INPUT:
            raise InputError(f"size is {self.size}; expected 1 to {LARGEST_INPUT} pixels")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; expected a rate of at least 0 and below 1")
        if self.test_images != "mean-of-phases" and not self.temporal_augmentation:
            raise InputError(
                f"test_images is {self.test_images}; without temporal augmentation a network is tested on what it is "
                "trained on: leave it out"
            )
        if self._combines_flow:
            require_combination(self.flow_combination)
        elif self.flow_combination:
            raise InputError("flow_combination is of the stream flow_combined, which is not there: leave it out")
        if self.temporal_augmentation:
            self._require_images_of_one_kind()
        self._require_what_it_takes()

    def _require_images_of_one_kind(self) -> None:
        one_kind = any({*self.images_read} <= {*kind} for kind in _KINDS)
        if len({*self.streams}) != 2 or not one_kind:
            raise InputError(
                f"temporal augmentation is of {', '.join(self.images_read)}; expected two different streams, and all "
                "images that are trained on or tested of one kind: dynamic images, flow, or one kind of map of it"
            )

    def _require_what_it_takes(self) -> None:
        name, own = self.architecture, self.own
        for field in fields(self):
            if field.name in self._of_others and getattr(self, field.name) != field.default:
                raise InputError(f"{field.name} is no parameter of {name}: leave it out")
        if own.streams is not None and not own.takes(self.streams[: self.n_streams]):
            wanted = " and ".join(f"one of {', '.join(streams)}" for streams in own.streams)
            raise InputError(f"streams are {', '.join(self.streams)}; {name} takes {wanted}")
        if own.smallest is None and self.input_size != own.size:
            raise InputError(f"size is {self.size}; {name} takes {own.size}: leave the size out")
        if own.smallest is not None and self.input_size < own.smallest:
            raise InputError(
                f"size is {self.size}; {name} takes {own.smallest} pixels or more: of less, its last map is not one "
                "position"
            )

    @property
    def own(self) -> Architecture:
        """What the architecture takes."""
        return ARCHITECTURES[self.architecture]

    @property
    def input_size(self) -> int:
        """Side of the input images in pixels."""
        return self.own.size if self.size is None else self.size

    @property
    def n_streams(self) -> int:
        """Streams of the network."""
        return 1 if self.temporal_augmentation else len(self.streams)

    @property
    def samples_per_clip(self) -> int:
        """Training samples that a clip gives."""
        return len(self.streams) // self.n_streams

    @property
    def images_read(self) -> tuple[Stream, ...]:
        """Images of a clip that training and testing need, in order."""
        return (*self.streams, "full") if self.test_images == "whole" else self.streams

    @property
    def flow_streams(self) -> tuple[int, ...]:
        """Where among the network's streams optical flow is, 0-based."""
        return tuple(i for i, stream in enumerate(self.streams[: self.n_streams]) if stream in get_args(FlowStream))

    @property
    def parameters(self) -> dict[str, Any]:
        """Plain values of everything that matters to this architecture; a file of weights by its sha256."""
        values = asdict(self) | {"streams": list(self.streams), "size": self.input_size, "weights": self._start()}
        without = {*self._of_others}
        if not self.temporal_augmentation:
            without.add("test_images")
        if not self._combines_flow:
            without.add("flow_combination")
        return {name: value for name, value in values.items() if name not in without}

    @property
    def needs_flow(self) -> bool:
        """Whether a cache has to have optical flow."""
        return not {*self.images_read} <= {*get_args(DynamicStream)}

    @property
    def _combines_flow(self) -> bool:
        return not {*self.images_read}.isdisjoint(get_args(CombinedFlow))

    @property
    def _of_others(self) -> frozenset[str]:
        """Parameters of other architectures alone."""
        return _OF_SOME - {*self.own.parameters}

    def _start(self) -> str:
        if self.weights in ("imagenet", "random") or self.weights.startswith(_DIGEST):
            return self.weights
        return _DIGEST + hashlib.sha256(weights_file(self.weights).read_bytes()).hexdigest()


def weights_file(weights: str) -> Path:
    """Return the path of a file of weights.

    Raises
    ------
    InputError
        If there is no such file, or only its digest is known (a configuration that was read back from a run).
    """
    if weights.startswith(_DIGEST):
        raise InputError(f"the weights are those of a file with {weights}; give the path of that file")
    path = Path(weights)
    if not path.is_file():
        raise InputError(f"weights {weights!r} is no file; expected 'imagenet', 'random' or the path of a file")
    return path
