"""What Keras does differently: the two baselines were written for it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class HalvingConv(nn.Conv2d):
    """A convolution of stride 2 padded as Keras pads "same": to ⌈n/2⌉, the odd pixel at the bottom and the right.

    PyTorch's symmetric padding gives the same size, with all samples taken one pixel off.

    Parameters
    ----------
    channels_in, channels_out : int
    kernel : int
        Odd side of the kernel in pixels.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, channels_out, ⌈H/2⌉, ⌈W/2⌉) from (B, channels_in, H, W)."""
        (left, right), (top, bottom) = (self._padding(images.shape[axis]) for axis in (-1, -2))
        return super().forward(pad(images, (left, right, top, bottom)))

    def _padding(self, side: int) -> tuple[int, int]:
        total = max(self.kernel_size[0] - 2 + side % 2, 0)
        return total // 2, total - total // 2


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization as Keras does it by default: ε = 10⁻³, momentum 0.99, biased running variance.

    PyTorch's has ε = 10⁻⁵, moves its statistics by 0.1 a step where this moves them by 0.01, and keeps the variance
    with Bessel's correction.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def forward(self, maps: Tensor) -> Tensor:
        """Normalize (B, channels, H, W); in training by the batch, whose statistics move the running ones."""
        before = self.running_var.clone()  # type: ignore[union-attr]
        normalized = super().forward(maps)
        if self.training:
            share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum  # type: ignore[arg-type]
            # an n-th of what was added is the correction; in a new tensor, because backward keeps the old one
            with torch.no_grad():
                added = self.running_var - (1 - share) * before  # type: ignore[operator]
                self.running_var = self.running_var - added * maps.shape[1] / maps.numel()  # type: ignore[operator]
        return normalized


def initialize(model: nn.Module) -> None:
    """Draw all weights as Keras does by default: Glorot uniform, biases zero.

    Parameters
    ----------
    model : torch.nn.Module
        Changed.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
