"""OrigiNet: two sizes of kernels over one active image."""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from mer_di.learning.models.keras import BatchNorm, HalvingConv, initialize
from mer_di.learning.models.output import ModelOutput


def rrelu(maps: Tensor) -> Tensor:
    """Return σ(x) + σ(x)·LeakyReLU₀.₁(x), the authors' refined ReLU; not the randomized one of the same letters."""
    gate = torch.sigmoid(maps)
    return gate + gate * leaky_relu(maps, 0.1)


class _Stage(nn.Module):
    """Kernels of 3 and 5 pixels side by side, added."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.small = HalvingConv(channels_in, channels_out, 3)
        self.large = HalvingConv(channels_in, channels_out, 5)
        self.norm = BatchNorm(channels_out)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum before and after its batch normalization."""
        added = rrelu(self.small(maps)) + rrelu(self.large(maps))
        return added, self.norm(added)


class OrigiNet(nn.Module):
    """One stream of images of 128×128 pixels to class scores.

    Meant for a cache built with ``--scheme active_image`` and its stream ``full``. Three stages; then a branch over
    the normalized maps and one over the maps before normalization; two dense layers of 128, concatenated.
    1,873,608 parameters for 8 classes, running statistics included. Its batch normalization is
    LEARNet's, and so is what a training makes of it.

    Parameters
    ----------
    n_classes : int
        Number of classes C.

    References
    ----------
    Verma, Vipparthi and Singh, OrigiNet, IJCNN 2020 (arXiv 2005.07991). Written from the layers of its public program.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList([_Stage(3, 16), _Stage(16, 32), _Stage(32, 64)])
        self.small, self.large = HalvingConv(64, 96, 3), HalvingConv(64, 96, 5)
        self.small_dense, self.large_dense = nn.Linear(96 * 8 * 8, 128), nn.Linear(96 * 8 * 8, 128)
        self.classifier = nn.Linear(256, n_classes)
        initialize(self)

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, 1, 3, 128, 128)."""
        added = normalized = images[:, 0]
        for stage in self.stages:
            added, normalized = stage(normalized)
        small = self.small_dense(rrelu(self.small(normalized)).flatten(1))
        large = self.large_dense(rrelu(self.large(added)).flatten(1))
        features = torch.cat([small, large], dim=1)
        return ModelOutput(self.classifier(features), (features,))
