import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from tiny_cache import write_tiny_cache

from mer_di.errors import InputError
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.saved_model import load_model, save_model
from mer_di.learning.train_config import TrainConfig

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


def test_tensors_of_another_network_are_refused(trained, tmp_path):
    save_model(replace(trained, classes=("a", "b")), tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="do not fit"):
        load_model(tmp_path / "model.safetensors")
