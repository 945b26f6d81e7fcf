"""The running statistics of batch normalization."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def restart_statistics(model: nn.Module) -> None:
    """Let batch normalization average its statistics plainly over the steps that follow, from none.

    Called at the start of every epoch. Networks of Keras (LEARNet and OrigiNet among them) and those converted from
    TensorFlow move their statistics by 1 % a step: after the few steps of a fold they would still describe photographs,
    or nothing, while the other parameters know dynamic images, and the validation loss would measure that.

    Here the port of the two baselines departs from their authors' programs on purpose; ``benchmarks/learnet.py``
    measures what it does to LEARNet's accuracy on drawn faces.

    Parameters
    ----------
    model : torch.nn.Module
        Changed.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.reset_running_stats()
            module.momentum = None
