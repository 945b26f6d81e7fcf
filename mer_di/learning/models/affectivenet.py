"""AffectiveNet, rebuilt: four columns of unlike kernels over one image, an early and a late layer of each merged."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from mer_di.learning.models.keras import BatchNorm, HalvingConv, initialize
from mer_di.learning.models.output import ModelOutput

KERNELS = (1, 3, 5, 7)


class _Column(nn.Module):
    """Two convolutions of one size of kernel; both their maps are passed on."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.early, self.late = HalvingConv(3, 16, kernel), HalvingConv(16, 32, kernel)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, 48, ⌈S/4⌉, ⌈S/4⌉) from (B, 3, S, S)."""
        early = torch.relu(self.early(images))
        late = torch.relu(self.late(early))
        return torch.cat([avg_pool2d(early, 2, ceil_mode=True), late], dim=1)


class AffectiveNetReconstruction(nn.Module):
    """One stream of images to class scores; a reconstruction, meant for a cache built with ``--scheme magnified``.

    Of the network it is known that it has four streams that catch coarse and tiny edges, and that it learns from two
    different layers between input and output. All else is ours: kernels of 1, 3, 5 and 7 pixels; two convolutions of
    stride 2 a column, 16 and 32 channels; averaging the early map to the size of the late one, and concatenation;
    then, as in LEARNet by the same first author, batch normalization and one more convolution of stride 2; the mean of
    its map, and one linear layer.

    Parameters
    ----------
    n_classes : int
        Number of classes C.

    References
    ----------
    Verma, Vipparthi and Singh, AffectiveNet, IEEE MultiMedia, 2020 (arXiv 2104.07569): its abstract.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.columns = nn.ModuleList([_Column(kernel) for kernel in KERNELS])
        self.norm = BatchNorm(192)
        self.merge = HalvingConv(192, 256, 3)
        self.last_map = nn.Identity()
        self.classifier = nn.Linear(256, n_classes)
        initialize(self)

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, 1, 3, S, S)."""
        merged = self.norm(torch.cat([column(images[:, 0]) for column in self.columns], dim=1))
        features = self.last_map(torch.relu(self.merge(merged))).mean((2, 3))
        return ModelOutput(self.classifier(features), (features,))
