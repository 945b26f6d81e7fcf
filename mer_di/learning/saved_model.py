"""A trained network in one file, with all that its predictions need."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from xxhash import xxh3_128

import mer_di
from mer_di.errors import InputError, MerDiError
from mer_di.fields import misfit
from mer_di.files import write_bytes
from mer_di.learning.finite import is_finite
from mer_di.learning.models import architecture
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe

FORMAT = "mer_di model 1"
_DIGEST = "digest"
_HOW = "mer-di train --save-model makes one"


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A trained network and what its predictions need.

    Attributes
    ----------
    network : torch.nn.Module
        In evaluation mode.
    config : TrainConfig
        Its input streams, size and normalization among others.
    classes : tuple of str
        In label order.
    recipe : Recipe
        How the dynamic images that it was trained on were made.
    """

    network: nn.Module
    config: TrainConfig
    classes: tuple[str, ...]
    recipe: Recipe


def save_model(model: SavedModel, path: str | os.PathLike[str]) -> None:
    """Write a model to one safetensors file: parameters as tensors, everything else as JSON in its header.

    Raises
    ------
    InputError
        If the network diverged: not all of its numbers are finite. If nothing can be written there; see
        `mer_di.files.destination`.
    OSError
        If the disk is full or fails; a former file is untouched.
    """
    if not is_finite(model.network):
        raise InputError("the network diverged: not all of it is finite, and nothing is saved; lower the learning rate")
    metadata = {
        "format": FORMAT,
        "mer_di_version": mer_di.__version__,
        "config": model.config.text,
        "classes": json.dumps(model.classes),
        "recipe": model.recipe.text,
    }
    # Copies: safetensors refuses tensors that share memory.
    tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in model.network.state_dict().items()}
    write_bytes(path, save(tensors, {**metadata, _DIGEST: _digest(metadata, tensors)}))


def load_model(path: str | os.PathLike[str]) -> SavedModel:
    """Read a model that `save_model` wrote; nothing in the file is executed.

    Raises
    ------
    InputError
        If the file is absent, damaged, no such model, or of a newer format, if its tensors do not fit the network it
        names, if one of them is not finite, or if it is not what was written, as far as its digest tells: files of
        before have none.
    """
    where = Path(path)
    if not where.is_file():
        raise InputError(f"{where} is no file; {_HOW}")
    metadata, tensors = _read(where)
    if metadata.get("format") != FORMAT:
        raise InputError(f"{where} has the format {metadata.get('format')!r}, expected {FORMAT!r}; {_HOW}")
    try:
        config, classes = TrainConfig.from_text(metadata["config"]), _classes(metadata["classes"])
        recipe, network = Recipe.from_text(metadata["recipe"]), architecture(config.model, len(classes))
    except (MerDiError, KeyError) as error:
        raise InputError(
            f"{where} does not say what this version of mer_di has to know ({error}); a newer one may have written it, "
            f"or it is damaged; {_HOW}"
        ) from error
    _require_fit(where, tensors, network)
    network.load_state_dict(tensors)
    if not is_finite(network):
        raise InputError(f"{where} holds a network of which not all is finite: it diverged when it was trained; {_HOW}")
    if _DIGEST in metadata and metadata[_DIGEST] != _digest(metadata, tensors):
        raise InputError(f"{where} is not what was written: it was damaged, or changed by another program; {_HOW}")
    return SavedModel(network.eval(), config, classes, recipe)


def _digest(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of everything in a model file but the digest itself."""
    said = {name: text for name, text in metadata.items() if name != _DIGEST}
    digest = xxh3_128(json.dumps(said, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # foreign bytes make this reader raise nearly anything
        raise InputError(f"{path} is no readable safetensors file ({error}); {_HOW}") from error


def _classes(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"its classes are no JSON: {error}") from error
    problem = misfit(found, list[str], "classes")
    if problem or not 2 <= len(set(found)) == len(found):
        raise InputError(problem or f"its classes are {text:.200}; expected at least two, and each once")
    return tuple(found)


def _require_fit(path: Path, tensors: Mapping[str, Tensor], network: nn.Module) -> None:
    ours = network.state_dict()
    other = sorted(ours.keys() ^ tensors.keys())
    other += [name for name in ours.keys() & tensors.keys() if _kind(ours[name]) != _kind(tensors[name])]
    if other:
        raise InputError(
            f"the tensors in {path} do not fit the network that it names: {len(other)} are missing, too many, or of "
            f"another shape or type, first of them {other[0]!r}; {_HOW}"
        )


def _kind(tensor: Tensor) -> tuple[torch.Size, torch.dtype]:
    return tensor.shape, tensor.dtype
