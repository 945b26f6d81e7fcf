"""FDCN, rebuilt: a dynamic image and a flow, each through a residual network, fused stage by stage."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from mer_di.learning.models.output import ModelOutput

WIDTHS = (128, 256, 512)
"""Channels of the last three stages of ResNet-18."""


class FDCNReconstruction(nn.Module):
    """Two streams, a dynamic image and an optical flow, to class scores; a reconstruction.

    Known are the two streams, and that motion and spatio-temporal features are fused several times. Everything else is
    ours: a ResNet-18 a stream, from random weights; the flow as u, v and strain; after each of the last three stages
    the maps of both streams concatenated and taken by a convolution of 1×1 to one, which is added to a trunk that
    halves its map between stages; the mean of the trunk's last map, and one linear layer.

    Parameters
    ----------
    n_classes : int
        Number of classes C.

    References
    ----------
    Tang, Li, Tang and Xie, FDCN, Signal, Image and Video Processing 17, 2023: its abstract.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        import timm  # seconds, see `random_backbone`

        self.streams = nn.ModuleList(
            [timm.create_model("resnet18", features_only=True, out_indices=(2, 3, 4)) for _ in range(2)]
        )
        self.last_map = nn.Identity()
        self.fusions = nn.ModuleList([nn.Conv2d(2 * width, width, 1) for width in WIDTHS])
        self.trunk = nn.ModuleList([_halving(*pair) for pair in pairwise(WIDTHS)])
        self.classifier = nn.Linear(WIDTHS[-1], n_classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """Classify images of shape (B, 2, 3, S, S)."""
        stages = [network(stream) for network, stream in zip(self.streams, images.unbind(1), strict=True)]
        for maps in stages:
            maps[-1] = self.last_map(maps[-1])
        first, *others = [fusion(torch.cat(pair, dim=1)) for fusion, *pair in zip(self.fusions, *stages, strict=True)]
        fused = torch.relu(first)
        for halving, added in zip(self.trunk, others, strict=True):
            fused = torch.relu(halving(fused) + added)
        features = fused.mean((2, 3))
        return ModelOutput(self.classifier(features), (features,))


def _halving(channels_in: int, channels_out: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out))
