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
        Of DIANet one a stream, (B, 512), before fusion: the consistency loss compares two of them. Of the rivals one,
        what their classifier takes.
    genders : Tensor of float, shape (B, 2), or None
        One score a gender, of a network that learns it beside the emotion.
    """

    logits: Tensor
    features: tuple[Tensor, ...]
    genders: Tensor | None = None
