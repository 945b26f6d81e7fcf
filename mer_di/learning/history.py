"""What a training says of itself."""

from typing import TypedDict


class Epoch(TypedDict):
    """One trained epoch.

    Attributes
    ----------
    epoch : int
        1-based.
    training_loss : float
        Eq. 5, mean over the training samples as they were met.
    validation_loss : float or None
        The same after the epoch, over the validation samples; None where there are none.
    """

    epoch: int
    training_loss: float
    validation_loss: float | None
