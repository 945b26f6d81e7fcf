"""A network whose numbers are numbers."""

import torch
from torch import nn


def is_finite(network: nn.Module) -> bool:
    """Tell whether every parameter and every statistic of a network is a number, and not infinite.

    Parameters
    ----------
    network : torch.nn.Module
        On any device.
    """
    floats = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    return bool(torch.stack([tensor.isfinite().all() for tensor in floats]).all())  # one transfer from a GPU
