"""GEME, rebuilt: two residual networks over one dynamic image, one of which also learns who it is that moves."""

import torch
from torch import Tensor, nn

from mer_di.learning.models.output import ModelOutput

WIDTH = 512


class GEMEReconstruction(nn.Module):
    """One stream of dynamic images to class scores, and to scores of the gender in training; a reconstruction.

    Known are two streams of residual blocks that start at random, one kind of input, the dynamic image, and gender as
    a second task. Ours are: ResNet-18 for both; the same image for both; the mean of the last map as features; a linear
    layer from the second stream's to the gender, and one from both streams' to the emotion. What is learnt of gender so
    reaches the emotion as features. The gender itself is an input to nothing: it is a target in training, and the
    network asks for it nowhere else.

    Parameters
    ----------
    n_classes : int
        Number of classes C.

    References
    ----------
    Nie, Takalkar, Duan, Zhang and Xu, GEME, Neurocomputing 427, 2021: its abstract, and what a survey says of it
    (Li et al., arXiv 2107.02823).
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        import timm  # seconds, see `random_backbone`

        self.emotion, self.gender = (timm.create_model("resnet18", num_classes=0) for _ in range(2))
        self.last_map = nn.Identity()
        self.gender_classifier = nn.Linear(WIDTH, 2)
        self.classifier = nn.Linear(2 * WIDTH, n_classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, 1, 3, S, S)."""
        seen = images[:, 0]
        maps = [backbone.forward_features(seen) for backbone in (self.emotion, self.gender)]  # type: ignore[operator]
        features = self.last_map(torch.cat(maps, dim=1)).mean((2, 3))
        return ModelOutput(self.classifier(features), (features,), self.gender_classifier(features[:, WIDTH:]))
