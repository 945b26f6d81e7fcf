"""LEARNet: four columns over one dynamic image, two of which add what their neighbour sees."""

import torch
from torch import Tensor, nn

from mer_di.learning.models.keras import BatchNorm, HalvingConv, initialize
from mer_di.learning.models.output import ModelOutput


class _Column(nn.Module):
    """Convolutions 1×1, 3×3 and 5×5; an accretive column adds a plain one's outputs to its own."""

    def __init__(self, *, accretive: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([HalvingConv(16, 16, 1), HalvingConv(16, 32, 3), HalvingConv(32, 64, 5)])
        self.norms = nn.ModuleList([BatchNorm(16), BatchNorm(32)] if accretive else [])

    def forward(self, stem: Tensor, beside: list[Tensor] | None = None) -> list[Tensor]:
        outputs = []
        maps = stem
        for level, convolution in enumerate(self.convolutions):
            maps = torch.relu(convolution(maps))
            if beside is not None and level < len(self.norms):
                maps = self.norms[level](maps + beside[level])
            outputs.append(maps)
        return outputs


class LEARNet(nn.Module):
    """One stream of dynamic images of 112×112 pixels to class scores.

    A stem; four columns of convolutions, of which the second and the fourth add the outputs of the first and the
    third; concatenation, one more convolution, a dense layer of 256. All convolutions halve the map and are followed
    by ReLU. 1,867,528 parameters for 8 classes, running statistics included.

    Its batch normalization is Keras', statistics that move by a hundredth a step among it. A training does not wait for
    them: see `mer_di.learning.models.restart_statistics`.

    Parameters
    ----------
    n_classes : int
        Number of classes C.

    References
    ----------
    Verma, Vipparthi, Singh and Murala, LEARNet, IEEE TIP 29, 2019. Written from the layers of its public program.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stem = HalvingConv(3, 16, 3)
        self.columns = nn.ModuleList([_Column(accretive=number % 2 == 1) for number in range(4)])
        self.norm = BatchNorm(256)
        self.merge = HalvingConv(256, 256, 3)
        self.last_map = nn.Identity()
        self.dense = nn.Linear(256 * 4 * 4, 256)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(256, n_classes)
        initialize(self)

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, 1, 3, 112, 112)."""
        stem = torch.relu(self.stem(images[:, 0]))
        merged = torch.relu(self.last_map(self.merge(self.norm(torch.cat(self._columns(stem), dim=1)))))
        features = torch.relu(self.dense(merged.flatten(1)))
        return ModelOutput(self.classifier(self.dropout(features)), (features,))

    def _columns(self, stem: Tensor) -> list[Tensor]:
        first, second, third, fourth = self.columns
        plain, other = first(stem), third(stem)
        return [plain[-1], second(stem, plain)[-1], other[-1], fourth(stem, other)[-1]]
