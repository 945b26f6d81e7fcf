"""Whether a network takes images of a size: it is tried, for what each backbone needs is written down nowhere."""

import torch
from torch import nn

from mer_di.errors import InputError


def require_size(network: nn.Module, n_streams: int, size: int) -> None:
    """Make sure that a network takes images of a size, by one image of zeros.

    Parameters
    ----------
    network : torch.nn.Module
        On the CPU; not changed.
    n_streams : int
    size : int
        Side of the images in pixels.

    Raises
    ------
    InputError
        If it does not, with the smallest size that it takes, where there is one between this and its own.
    """
    problem = _problem(network, n_streams, size)
    if problem is None:
        return
    own = _own_size(network)
    smallest = _smallest(network, n_streams, size, own)
    advice = f"expected at least {smallest}" if smallest else f"its own size is {own}" if own else "choose another"
    reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    raise InputError(f"the network does not take images of {size} pixels; {advice} ({reason})") from problem


def _problem(network: nn.Module, n_streams: int, size: int) -> Exception | None:
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, n_streams, 3, size, size))
    except Exception as error:  # each of timm's networks fails in its own way
        return error
    finally:
        network.train(was_training)
    return None


def _own_size(network: nn.Module) -> int | None:
    backbones = getattr(network, "backbones", None)
    return int(backbones[0].pretrained_cfg["input_size"][-1]) if backbones else None


def _smallest(network: nn.Module, n_streams: int, low: int, high: int | None) -> int | None:
    """Return the smallest size above a failing one, if sizes from it on are taken; halving what lies between."""
    if high is None or high <= low or _problem(network, n_streams, high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _problem(network, n_streams, middle):
            low = middle
        else:
            high = middle
    return None if _problem(network, n_streams, high + 1) else high
