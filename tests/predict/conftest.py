"""A model of the tiny database, whose recipe departs from every default."""

import pytest

import mer_di
from mer_di.building.build import build_cache
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.saved_model import save_model
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe

CONFIG = TrainConfig(
    model=ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16, streams=("offset", "full")),
    epochs=1,
    normalization="l2",
)


@pytest.fixture
def cache(tiny, tmp_path):
    recipe = Recipe(align="none", aspect="keep", size=20, scheme="harmonic_arp", apex_in="onset", temporal_length=4)
    for row in tiny.rows:  # phases of at least two frames, without the apex in the second
        row["apex"] = row["onset"] + 1
    tiny.write_table()
    return build_cache(mer_di.load_dataset("manifest", tiny.table), tmp_path / "tiny.h5", recipe).path


@pytest.fixture
def model(cache, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(train_on_everyone([cache], CONFIG, validation="subjects:1", device="cpu"), path)
    return path
