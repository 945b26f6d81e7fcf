"""A model of a tiny cache, whose recipe departs from every default."""

from dataclasses import replace

from mer_di.evaluation.final_model import train_on_everyone
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.saved_model import save_model
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe

RECIPE = Recipe(align="none", aspect="keep", size=20, scheme="harmonic_arp", apex_in="onset", temporal_length=4)
CONFIG = TrainConfig(
    model=ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16, streams=("offset", "full")),
    epochs=1,
    normalization="l2",
)


def trained_on(cache, streams=CONFIG.model.streams, **parameters):
    model = cache.with_suffix(".safetensors")
    config = replace(CONFIG, model=replace(CONFIG.model, streams=streams, **parameters))
    save_model(train_on_everyone([cache], config, validation="subjects:1", device="cpu"), model)
    return model
