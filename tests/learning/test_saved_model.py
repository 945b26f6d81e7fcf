import contextlib
import copy
import functools
import json
import math
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from tiny_cache import write_tiny_cache

from mer_di.errors import InputError
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import architecture
from mer_di.learning.saved_model import SavedModel, load_model, save_model
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe

CONFIG = TrainConfig(
    model=ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16), epochs=1, normalization="l2"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    cache = write_tiny_cache(tmp_path_factory.mktemp("cache") / "tiny.h5", scheme="harmonic_arp")
    return train_on_everyone([cache], CONFIG, validation="none", seed=3, device="cpu")


def test_a_model_comes_back_as_it_was_saved(trained, tmp_path):
    save_model(trained, tmp_path / "model.safetensors")
    found = load_model(tmp_path / "model.safetensors")
    assert (found.classes, found.config, found.recipe) == (trained.classes, trained.config, trained.recipe)
    ours, theirs = trained.network.state_dict(), found.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:  # as a stranger reads it
        assert json.loads(file.metadata()["config"])["normalization"] == "l2"
        assert json.loads(file.metadata()["recipe"])["scheme"] == "harmonic_arp"


@pytest.mark.parametrize("content", [None, b"nothing", b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="--save-model"):
        load_model(path)


@pytest.fixture
def saved(trained, tmp_path):
    """A saved model, its metadata and its tensors."""
    path = tmp_path / "model.safetensors"
    save_model(trained, path)
    with safe_open(path, framework="pt") as file:
        return path, file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def without(values, name):
    return {key: value for key, value in values.items() if key != name}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("format", None, "has the format None"),
        ("format", "mer_di model 2", "has the format 'mer_di model 2'"),
        ("config", None, "'config'"),
        ("config", "{}", "training configuration"),
        ("config", "[" * 100_000, "training configuration"),
        ("classes", None, "'classes'"),
        ("classes", "x", "no JSON"),
        ("classes", "null", "classes is None; expected list"),
        ("classes", '["a", 2, "c"]', r"classes\[1\] is 2; expected str"),
        ("classes", '["a", "a", "b"]', "each once"),
        ("classes", '["a", "b"]', "of another shape"),
        ("classes", "[]", "at least two"),
        ("recipe", None, "'recipe'"),
        ("recipe", "{}", "recipe"),
        ("recipe", "3", "recipe"),
        ("recipe", "[" * 100_000, "recipe"),
    ],
)
def test_metadata_that_do_not_say_it_are_refused(saved, name, value, said):
    path, metadata, tensors = saved
    save_file(tensors, path, without(metadata, name) if value is None else metadata | {name: value})
    with pytest.raises(InputError, match=f"model.safetensors.*{said}"):
        load_model(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights", None),
        ("backbone", ["test_resnet"]),
        ("backbone", "no_such"),
        ("backbone", "test_vit"),
        ("size", 16.0),
        ("size", 10**9),
        ("streams", "onset"),
        ("epochs", None),
        ("colour", 3),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(saved, field, value):
    path, metadata, tensors = saved
    config = json.dumps({**json.loads(metadata["config"]), field: value}, sort_keys=True, separators=(",", ":"))
    save_file(tensors, path, metadata | {"config": config})
    with pytest.raises(InputError, match="does not say what this version"):
        load_model(path)


def test_tensors_of_another_network_are_refused(saved):
    path, metadata, tensors = saved
    first, *_ = tensors
    for other in (
        without(tensors, first),
        tensors | {"more": torch.zeros(1)},
        tensors | {first: tensors[first].double()},
        tensors | {first: tensors[first][:1].clone()},
    ):
        save_file(other, path, metadata)
        with pytest.raises(InputError, match="do not fit the network that it names: 1 are"):
            load_model(path)


def test_a_network_that_is_not_finite_is_neither_saved_nor_loaded(trained, saved, tmp_path):
    path, metadata, tensors = saved
    first, *_ = tensors
    for value in (math.nan, math.inf):
        save_file(tensors | {first: torch.full_like(tensors[first], value)}, path, metadata)
        with pytest.raises(InputError, match="diverged"):
            load_model(path)
    network = copy.deepcopy(trained.network)
    network.projection.bias.data[0] = math.nan
    with pytest.raises(InputError, match="nothing is saved"):
        save_model(replace(trained, network=network), tmp_path / "other.safetensors")
    assert not (tmp_path / "other.safetensors").exists()


def test_a_flipped_bit_of_a_parameter_is_noticed(saved):
    path, _, tensors = saved
    whole = path.read_bytes()
    for tensor in tensors.values():
        content = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        damaged = bytearray(whole)
        damaged[whole.index(content) + len(content) - len(content) // 3 - 1] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="is not what was written"):
            load_model(path)


def test_so_is_another_setting_and_a_model_of_before_has_no_digest(saved):
    path, metadata, tensors = saved
    config = metadata["config"].replace('"normalization":"l2"', '"normalization":"symmetric"')
    save_file(tensors, path, metadata | {"config": config})
    with pytest.raises(InputError, match="is not what was written"):
        load_model(path)
    save_file(tensors, path, without(metadata, "digest"))
    assert load_model(path).config == CONFIG


def test_what_is_no_plain_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no file"):
        load_model(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no file"):
        load_model(tmp_path / "pipe")


@given(st.data())
def test_flipped_and_missing_bytes_of_the_header_end_in_the_librarys_error_or_in_the_same_model(data):
    content = bytearray(small_model())
    header = 8 + int.from_bytes(content[:8], "little")
    for position in data.draw(st.lists(st.integers(0, header - 1), max_size=3)):
        content[position] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, header)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            load_model(path)


@functools.cache
def small_model():
    config = replace(CONFIG, model=replace(CONFIG.model, streams=("full",)))
    recipe = Recipe(align="none", aspect="stretch")
    model = SavedModel(architecture(config.model, 2), config, ("a", "b"), recipe)
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder) / "model")
        return (Path(folder) / "model").read_bytes()
