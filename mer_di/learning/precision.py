"""In which precision a network computes a step: float32, or bfloat16 where the processor computes with it."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mer_di.learning.train_config import Precision

_PROCESSORS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
_AMPERE = (8, 0)

Forward = Callable[[Tensor], Tensor]


def computes_bfloat16(device: torch.device) -> bool:
    """Tell whether a device has arithmetic of bfloat16; others imitate it, slowly.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool
        False as well where torch cannot tell.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    if device.type != "cpu":
        return False
    try:
        found = torch.cpu.get_capabilities()
    except AttributeError:  # a torch of before, which can tell this much at most
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(probe and probe())
    except RuntimeError:
        return False
    return any(found.get(name, False) for name in _PROCESSORS)


def without_trial(precision: Precision, device: torch.device) -> Precision:
    """Return what ``auto`` is where nothing is tried, and every other precision as it is.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
    device : torch.device

    Returns
    -------
    {"float32", "bfloat16"}
        Of ``auto``: bfloat16 on a GPU that computes with it, whose matrix units are several times as fast then, and
        float32 on a processor, where it depends on the network: the result follows from the seed there, and a trial
        could end otherwise the next time.
    """
    if precision != "auto":
        return precision
    return "bfloat16" if device.type == "cuda" and computes_bfloat16(device) else "float32"


@contextlib.contextmanager
def arithmetic(model: nn.Module, precision: Precision, device: torch.device) -> Iterator[None]:
    """Let a network compute in a precision, backwards as well.

    Parameters
    ----------
    model : torch.nn.Module
        Its parameters stay float32.
    precision : {"float32", "bfloat16"}
    device : torch.device
        On a processor, bfloat16 leaves out the layers that `slow_in_bfloat16` names, and strided convolutions of maps
        that are smaller than the stride: oneDNN leaves parts of their gradients as it found the memory.
    """
    if precision != "bfloat16":
        yield
        return
    layers: list[Any] = [layer for layer in model.modules() if device.type == "cpu" and isinstance(layer, nn.Conv2d)]
    spared = [layer for layer in layers if _is_strided_or_large(layer)]
    for layer in spared:
        layer.forward = partial(_in_float32 if slow_in_bfloat16(layer) else _by_the_maps, layer.forward, layer.stride)
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            yield
    finally:
        for layer in spared:
            del layer.forward


def slow_in_bfloat16(layer: nn.Module) -> bool:
    """Tell whether a processor is slower with a layer in bfloat16: a strided or large depthwise convolution.

    oneDNN has no fast kernel for its gradients. One of 240 channels with stride 2 on maps of 28×28 takes 84 ms in
    bfloat16 and 0.7 ms in float32, which made whole networks of such layers slower; the others gain.
    """
    return isinstance(layer, nn.Conv2d) and _is_strided_or_large(layer) and 1 < layer.groups == layer.in_channels


def _is_strided_or_large(layer: nn.Conv2d) -> bool:
    return max(layer.stride) > 1 or max(layer.kernel_size) > 3


def _in_float32(forward: Forward, _stride: tuple[int, ...], maps: Tensor) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        return forward(maps.float())


def _by_the_maps(forward: Forward, stride: tuple[int, ...], maps: Tensor) -> Tensor:
    return _in_float32(forward, stride, maps) if min(maps.shape[-2:]) < max(stride) else forward(maps)
