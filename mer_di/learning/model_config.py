"""What makes one network differ from another."""

import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from mer_di.errors import InputError
from mer_di.fields import require_fields
from mer_di.streams import FlowStream, Stream

Architecture = Literal["dianet", "learnet", "originet"]
Fusion = Literal["cross", "cross-single-token", "simple", "concat"]

INPUT_SIZES: dict[str, int] = {"dianet": 224, "learnet": 112, "originet": 128}
LARGEST_INPUT = 4096  # more is a slip: one image of it takes a backbone gigabytes
_DIANET_ONLY = ("backbone", "weights", "fusion", "dedicated_backbones", "dropout")
_DIGEST = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The parameters of a network; the last five belong to DIANet alone.

    Attributes
    ----------
    architecture : {"dianet", "learnet", "originet"}
        ``learnet`` and ``originet`` take one stream.
    streams : tuple of {"onset", "offset", "full", "flow_onset", "flow_offset"}
        One or two, in order. The same one twice is the "2-stream, dynamic image" row of the paper's Table 4.
    size : int or None
        Side of the input images in pixels; None is the architecture's own: 224, 112 for LEARNet, 128 for OrigiNet.
        The two baselines have dense layers on their last map and take no other.
    backbone : str
        A short name in `mer_di.learning.models.BACKBONES` or any name that timm knows.
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

    architecture: Architecture = "dianet"
    streams: tuple[Stream, ...] = ("onset", "offset")
    size: int | None = None
    backbone: str = "efficientnetv2"
    weights: str = "imagenet"
    fusion: Fusion = "cross"
    dedicated_backbones: bool = False
    dropout: float = 0.5

    def __post_init__(self) -> None:
        require_fields(self)
        if len(self.streams) not in (1, 2):
            raise InputError(f"streams are {', '.join(self.streams) or 'none'}; expected one or two")
        if not 1 <= self.input_size <= LARGEST_INPUT:
            raise InputError(f"size is {self.size}; expected 1 to {LARGEST_INPUT} pixels")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; expected a rate of at least 0 and below 1")
        if self.architecture != "dianet":
            self._require_baseline()

    def _require_baseline(self) -> None:
        for field in fields(self):
            if field.name in _DIANET_ONLY and getattr(self, field.name) != field.default:
                raise InputError(f"{field.name} is a parameter of dianet; {self.architecture} has none: leave it out")
        if len(self.streams) != 1:
            raise InputError(f"streams are {', '.join(self.streams)}; {self.architecture} takes one")
        if self.input_size != INPUT_SIZES[self.architecture]:
            raise InputError(
                f"size is {self.size}; {self.architecture} takes {INPUT_SIZES[self.architecture]}: leave the size out"
            )

    @property
    def input_size(self) -> int:
        """Side of the input images in pixels."""
        return INPUT_SIZES[self.architecture] if self.size is None else self.size

    @property
    def flow_streams(self) -> tuple[int, ...]:
        """Where among the streams optical flow is, 0-based."""
        return tuple(index for index, stream in enumerate(self.streams) if stream in get_args(FlowStream))

    @property
    def parameters(self) -> dict[str, Any]:
        """Plain values of everything that matters to this architecture; a file of weights by its sha256."""
        values = asdict(self) | {"streams": list(self.streams), "size": self.input_size, "weights": self._start()}
        return {
            name: value for name, value in values.items() if self.architecture == "dianet" or name not in _DIANET_ONLY
        }

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
