"""Where a network looked: Grad-CAM over the last map of each stream."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mer_di.errors import InputError
from mer_di.learning.models import DIANet


def grad_cam(network: nn.Module, images: Tensor, label: int) -> NDArray[np.float32]:
    """Return how much each place of each stream speaks for a class.

    Parameters
    ----------
    network : torch.nn.Module
        Any of `mer_di.learning.models` but OrigiNet, in evaluation mode.
    images : Tensor of float32, shape (n_streams, 3, S, S)
        One sample as the network takes it.
    label : int
        0-based class whose score (before the softmax) is explained.

    Returns
    -------
    ndarray of float32, shape (n_streams, h, w)
        Not negative; 0 where nothing speaks for the class. The scale is one for both streams, so that they compare,
        and has no meaning beyond that.

    Raises
    ------
    InputError
        If the network has no single last map for each stream, or one whose positions form no square.

    References
    ----------
    Selvaraju et al., Grad-CAM, ICCV 2017, Eqs. 1 and 2.
    """
    maps: list[Tensor] = []
    hook = _keep_last_maps(network, maps)
    try:
        with torch.enable_grad():
            score = network(images[None]).logits[0, label]
            gradients = torch.autograd.grad(score, maps)
    finally:
        hook.remove()
    extra = _tokens_of_no_place(network)
    found = [
        class_map(_positions(a)[:, extra:], _positions(g)[:, extra:]) for a, g in zip(maps, gradients, strict=True)
    ]
    return np.concatenate([part.detach().cpu().numpy() for part in found])


def class_map(activations: Tensor, gradients: Tensor) -> Tensor:
    """Weigh the channels of maps by their mean gradients, sum them, and keep what is positive.

    Parameters
    ----------
    activations, gradients : Tensor, shape (B, P, K)
        K channels at P = h·h places, and the derivative of the score for each value.

    Returns
    -------
    Tensor, shape (B, h, h)

    Raises
    ------
    InputError
        If P is no square.
    """
    importance = gradients.mean(dim=1, keepdim=True)  # Eq. 1: α_k
    places = torch.relu((importance * activations).sum(dim=2))  # Eq. 2
    side = math.isqrt(places.shape[1])
    if side**2 != places.shape[1]:
        raise InputError(f"the last map has {places.shape[1]} positions, which form no square: there is no map to draw")
    return places.reshape(-1, side, side)


def _keep_last_maps(network: nn.Module, maps: list[Tensor]) -> RemovableHandle:
    def kept(found: Tensor) -> Tensor:
        found = found.requires_grad_()
        maps.append(found)
        return found

    last_map = getattr(network, "last_map", None)  # an identity, which every last map goes through
    if not isinstance(last_map, nn.Identity):
        raise InputError(f"Grad-CAM needs one last map for each stream; {type(network).__name__} has none")
    return last_map.register_forward_hook(lambda _module, _given, found: kept(found))


def _tokens_of_no_place(network: nn.Module) -> int:
    """Count what a vision transformer puts before the positions of its map: a class token, registers."""
    return int(getattr(network.backbones[0], "num_prefix_tokens", 0)) if isinstance(network, DIANet) else 0


def _positions(maps: Tensor) -> Tensor:
    """Return (B, P, K) from itself or from (B, K, h, w)."""
    return maps if maps.ndim == 3 else maps.flatten(2).transpose(1, 2)
