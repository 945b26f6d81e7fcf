"""LEARNet as the laboratory of DIANet wrote it: other sums, no batch normalization, any size of image."""

import torch
from torch import Tensor, nn

from mer_di.learning.models.output import ModelOutput


class LEARNetVNU(nn.Module):
    """One stream of dynamic images to class scores.

    A stem; four columns of convolutions, 1×1, 3×3 and 5×5, of which the inner two go on from the sum of their own
    outputs and those of the outer column beside them; concatenation, a convolution of 1×1, local response
    normalization, one more convolution, the mean of the map, one linear layer. Convolutions halve the map, the one of
    1×1 after the concatenation excepted, and are followed by ReLU. Whether it or `LEARNet` is the "LEARNet*" of
    DIANet's tables is not known.

    882,309 parameters for 5 classes. The program has 884,965: it also makes four convolutions of 1×1 that it never
    calls, and no gradient would ever reach them here.

    Parameters
    ----------
    n_classes : int
        Number of classes C.

    References
    ----------
    Written from the layers of the public program ``rivf-2025-me``, 2025, by co-authors of DIANet's authors.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stem = _halving(3, 16, 3)
        self.first, self.second, self.third = (
            nn.ModuleList([_halving(*layer) for _ in range(4)]) for layer in ((16, 16, 1), (16, 32, 3), (32, 64, 5))
        )
        self.mix = nn.Conv2d(256, 256, 1)
        self.norm = nn.LocalResponseNorm(256)
        self.merge = _halving(256, 256, 3)
        self.last_map = nn.Identity()
        self.classifier = nn.Linear(256, n_classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, 1, 3, S, S)."""
        stem = torch.relu(self.stem(images[:, 0]))
        maps = [torch.relu(convolution(stem)) for convolution in self.first]
        for level in (self.second, self.third):
            one, two, three, four = maps
            seen = one, one + two, three + four, four
            maps = [torch.relu(convolution(each)) for convolution, each in zip(level, seen, strict=True)]
        mixed = self.norm(torch.relu(self.mix(torch.cat(maps, dim=1))))
        features = self.last_map(torch.relu(self.merge(mixed))).mean((2, 3))
        return ModelOutput(self.classifier(features), (features,))


def _halving(channels_in: int, channels_out: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel, stride=2, padding=kernel // 2)
