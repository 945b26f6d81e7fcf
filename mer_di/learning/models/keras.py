"""What Keras does differently: the two baselines were written for it."""

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


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Build a batch normalization with Keras' epsilon."""
    return nn.BatchNorm2d(channels, eps=1e-3)


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
