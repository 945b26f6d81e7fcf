"""DIANet: a backbone for each phase, fusion of the two, a small classifier."""

import torch
from torch import Tensor, nn

from mer_di.errors import InputError
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models.backbone import random_backbone
from mer_di.learning.models.fusion import FUSIONS
from mer_di.learning.models.output import ModelOutput

WIDTH = 512
HIDDEN = 256


class DIANet(nn.Module):
    """One or two streams of dynamic images to class scores.

    Each image goes through the backbone up to its last map, and one linear layer takes every position of the map to
    512. Their mean is the stream's feature vector: the same as pooling first, as usual, and then projecting. It has no
    activation, so that the consistency loss may find any angle between two of them. Two streams are fused to one
    vector of 512; a classifier of two layers (512 → 256, ReLU, dropout, 256 → C) follows. With a shared backbone both
    streams form one batch: its batch normalization sees the same mixture of phases in training that its running
    statistics describe in evaluation.

    Parameters
    ----------
    config : ModelConfig
    n_classes : int
        Number of classes C.

    Raises
    ------
    InputError
        If timm does not know the backbone, or it takes images of another size.

    References
    ----------
    Khuong et al., DIANet, 2025, §2.2. The paper says neither how 512 is reached (EfficientNetV2's own width is 1280)
    nor how wide the hidden layer is.
    """

    def __init__(self, config: ModelConfig, n_classes: int) -> None:
        super().__init__()
        self.n_streams = config.n_streams
        n_backbones = self.n_streams if config.dedicated_backbones else 1
        self.backbones = nn.ModuleList(
            [random_backbone(config.backbone, config.input_size) for _ in range(n_backbones)]
        )
        self.last_map = nn.Identity()
        self.projection = nn.Linear(int(self.backbones[0].num_features), WIDTH)  # type: ignore[arg-type]
        self.fusion = FUSIONS[config.fusion](WIDTH) if self.n_streams == 2 else None
        self.classifier = nn.Sequential(
            nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(HIDDEN, n_classes)
        )

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, n_streams, 3, S, S)."""
        streams = self._positions(images)
        features = tuple(positions.mean(1) for positions in streams)
        fused = features[0] if self.fusion is None else self.fusion(*streams)
        return ModelOutput(self.classifier(fused), features)

    def _positions(self, images: Tensor) -> list[Tensor]:
        """Return the positions of each stream's last map, (B, P, 512)."""
        if len(self.backbones) == 1:
            positions = self.projection(self.last_map(_last_map(self.backbones[0], images.flatten(0, 1))))
            return [positions[stream :: self.n_streams] for stream in range(self.n_streams)]
        pairs = zip(self.backbones, images.unbind(1), strict=True)
        return [self.projection(self.last_map(_last_map(backbone, stream))) for backbone, stream in pairs]


def _last_map(backbone: nn.Module, images: Tensor) -> Tensor:
    """Return the positions of a timm model's last map, (B, P, D), whatever order of axes it uses."""
    # this layout of the images makes depthwise convolutions 1.5 times as fast on a CPU
    maps = backbone.forward_features(images.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
    if not isinstance(maps, Tensor):
        raise InputError(
            f"the backbone gives a {type(maps).__name__} of features; expected one map, which another backbone has"
        )
    if maps.ndim == 4 and maps.shape[1] == backbone.num_features:
        maps = maps.permute(0, 2, 3, 1)
    positions: Tensor = maps.flatten(1, -2)
    return positions
