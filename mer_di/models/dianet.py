"""DIANet: a backbone for each phase, fusion of the two, a small classifier."""

from torch import Tensor, nn

from mer_di.models.backbone import random_backbone
from mer_di.models.config import ModelConfig
from mer_di.models.fusion import build_fusion
from mer_di.models.output import ModelOutput

WIDTH = 512
HIDDEN = 256


class DIANet(nn.Module):
    """One or two streams of dynamic images to class scores.

    Each image goes through the backbone (timm's, without its head: pooled features) and one linear layer to a feature
    vector of 512, without activation, so that the consistency loss may find any angle between two of them. Two
    vectors are fused to one of 512; a classifier of two layers (512 → 256, ReLU, dropout, 256 → C) follows. With a
    shared backbone, both streams form one batch: its batch normalization sees the same mixture of phases in training
    that its running statistics describe in evaluation.

    Parameters
    ----------
    config : ModelConfig
    n_classes : int
        Number of classes C.

    References
    ----------
    Khuong et al., DIANet, 2025, §2.2. The paper says neither how 512 is reached (EfficientNetV2's own width is 1280)
    nor how wide the hidden layer is.
    """

    def __init__(self, config: ModelConfig, n_classes: int) -> None:
        super().__init__()
        self.n_streams = len(config.streams)
        n_backbones = self.n_streams if config.dedicated_backbones else 1
        self.backbones = nn.ModuleList([random_backbone(config.backbone) for _ in range(n_backbones)])
        self.projection = nn.Linear(int(self.backbones[0].num_features), WIDTH)  # type: ignore[arg-type]
        self.fusion = build_fusion(config.fusion, WIDTH) if self.n_streams == 2 else None
        self.classifier = nn.Sequential(
            nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(HIDDEN, n_classes)
        )

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, n_streams, 3, S, S)."""
        features = self._features(images)
        fused = self.fusion(*features) if self.fusion is not None else features[0]
        return ModelOutput(self.classifier(fused), features)

    def _features(self, images: Tensor) -> tuple[Tensor, ...]:
        if len(self.backbones) == 1:
            pooled = self.backbones[0](images.flatten(0, 1))
            return self.projection(pooled).unflatten(0, (-1, self.n_streams)).unbind(1)  # type: ignore[no-any-return]
        streams = zip(self.backbones, images.unbind(1), strict=True)
        return tuple(self.projection(backbone(stream)) for backbone, stream in streams)
