"""One visible training loop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mer_di.models import ModelConfig
from mer_di.torch_dataset import LabelledImages, Normalization


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that changes the result of a training, apart from the data and the seed."""

    model: ModelConfig = field(default_factory=ModelConfig)
    normalization: Normalization = "unit-weight"
    epochs: int = 50
    batch_size: int = 32
    learning_rate: float = 1e-4
    consistency: float = 0.1
    loss: Literal["cross-entropy", "focal"] = "cross-entropy"
    class_weights: Literal["none", "balanced", "effective-number"] = "none"
    flip: bool = True
    rotation: float = 10.0
    patience: int = 10

    @property
    def text(self) -> str:
        """Canonical flat JSON: the model's parameters beside the others, keys sorted, no spaces."""
        raise NotImplementedError

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of `text` in UTF-8."""
        raise NotImplementedError

    @classmethod
    def from_text(cls, text: str) -> "TrainConfig":
        """Read a configuration back from its canonical JSON."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network: model, best_epoch (1-based), history (one plain dict an epoch)."""

    model: nn.Module
    best_epoch: int
    history: list[dict[str, Any]]


def train_model(
    training: LabelledImages,
    validation: LabelledImages | None,
    n_classes: int,
    config: TrainConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    watch: Callable[[nn.Module, int], None] | None = None,
) -> Trained:
    """Train one network; watch(model, epoch) with the 1-based epoch after each, in eval mode."""
    raise NotImplementedError


def predict_probabilities(
    model: nn.Module, images: Tensor, *, device: torch.device | str = "cpu", batch_size: int = 32
) -> NDArray[np.float64]:
    """Return probabilities (N, C) float64."""
    raise NotImplementedError
