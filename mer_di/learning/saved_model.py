"""A trained network in one file, with all that its predictions need."""

import json
import os
from dataclasses import dataclass

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

import mer_di
from mer_di.errors import InputError
from mer_di.files import write_bytes
from mer_di.learning.models import architecture
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe

FORMAT = "mer_di model 1"
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
        If it would replace what is no model file, or there is no such folder.
    OSError
        If the disk is full or fails; a former file is untouched.
    """
    metadata = {
        "format": FORMAT,
        "mer_di_version": mer_di.__version__,
        "config": model.config.text,
        "classes": json.dumps(model.classes),
        "recipe": model.recipe.text,
    }
    # Copies: safetensors refuses tensors that share memory.
    tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in model.network.state_dict().items()}
    write_bytes(path, save(tensors, metadata))


def load_model(path: str | os.PathLike[str]) -> SavedModel:
    """Read a model that `save_model` wrote; nothing in the file is executed.

    Raises
    ------
    InputError
        If the file is absent, damaged, no such model, or its tensors do not fit the network it names.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} is no readable safetensors file ({error}); mer-di train --save-model makes one"
        ) from error
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path} has the format {metadata.get('format')!r}, expected {FORMAT!r}; {_HOW}")
    config, classes = TrainConfig.from_text(metadata["config"]), tuple(json.loads(metadata["classes"]))
    network = architecture(config.model, len(classes))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"the tensors in {path} do not fit the network that it names: {error}") from error
    return SavedModel(network.eval(), config, classes, Recipe.from_text(metadata["recipe"]))
