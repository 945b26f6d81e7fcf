"""What every network returns."""

from typing import NamedTuple

from torch import Tensor


class ModelOutput(NamedTuple):
    """The result of one forward pass over a batch of B samples.

    Attributes
    ----------
    logits : Tensor of float, shape (B, C)
        One score a class; softmax makes probabilities of them.
    features : tuple of Tensor of float
        One a stream, before fusion: (B, 512) for DIANet, (B, 256) for the baselines. The consistency loss compares
        them.
    """

    logits: Tensor
    features: tuple[Tensor, ...]
