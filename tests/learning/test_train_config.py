"""Every parameter of a training, as a text that comes back."""

import json
import math
from dataclasses import fields, replace

import pytest
from tiny_network import TINY

from mer_di.errors import InputError
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import build_model
from mer_di.learning.train_config import TrainConfig

OTHERS = (
    TrainConfig(model=ModelConfig(architecture="learnet", streams=("full",))),
    TrainConfig(model=ModelConfig(temporal_augmentation=True, test_images="whole"), gender_weight=0.5),
    TrainConfig(model=ModelConfig(streams=("flow_combined",), flow_combination=(1.0, 0.5, 2.0))),
)
CONFIG = TrainConfig(model=TINY, epochs=3, batch_size=4, learning_rate=1e-3)


def test_the_paper_is_the_default():
    config = TrainConfig()
    assert (config.learning_rate, config.batch_size, config.epochs) == (1e-4, 32, 50)
    assert (config.flip, config.rotation, config.loss) == (True, 10.0, "cross-entropy")
    assert (config.model.architecture, config.model.input_size, config.model.fusion) == ("dianet", 224, "cross")
    assert (config.model.backbone, config.model.streams) == ("efficientnetv2", ("onset", "offset"))


def test_the_text_is_canonical_and_comes_back():
    for config in (TrainConfig(), CONFIG, *OTHERS):
        assert config.text == json.dumps(json.loads(config.text), sort_keys=True, separators=(",", ":"))
        assert TrainConfig.from_text(config.text).text == config.text
    assert TrainConfig.from_text(CONFIG.text) == CONFIG


def test_every_parameter_is_in_the_text():
    names = {field.name for kind in (TrainConfig, ModelConfig) for field in fields(kind)} - {"model"}
    assert set(json.loads(TrainConfig().text)) == names - {"test_images", "flow_combination"}
    apart = ModelConfig(temporal_augmentation=True)  # what the first means something with
    combined = ModelConfig(streams=("flow_combined",), flow_combination=(1.0, 1.0, 1.0))
    assert set(json.loads(TrainConfig(model=apart).text)) == names - {"flow_combination"}
    assert set(json.loads(TrainConfig(model=combined).text)) == names - {"test_images"}
    other = replace(TrainConfig(), epochs=7)
    assert other.sha256 != TrainConfig().sha256


def test_a_file_of_weights_is_known_by_its_content(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"content")
    config = TrainConfig(model=ModelConfig(weights=str(path)))
    assert str(tmp_path) not in config.text
    again = TrainConfig.from_text(config.text)
    assert again.text == config.text
    with pytest.raises(InputError, match="give the path"):
        build_model(replace(again.model, backbone="test_efficientnet"), 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"streams":["onset"],"epochs":3}',
        '{"streams":["onset"],"colour":1}',
        "null",
        "9" * 5000,
        "[" * 100_000,
    ],
)
def test_a_text_of_something_else_is_refused(text):
    with pytest.raises(InputError, match="this version"):
        TrainConfig.from_text(text)


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"consistency": -0.1},
        {"rotation": 181.0},
        {"patience": 0},
        {"loss": "hinge"},
        {"class_weights": "inverse"},
        {"focal_gamma": -0.5},
        {"effective_beta": 1.0},
        {"effective_beta": -0.1},
        {"gender_weight": -1.0},
        {"normalization": "raw"},
        {"epochs": 2.5},
        {"epochs": "3"},
        {"batch_size": True},
        {"learning_rate": None},
        {"learning_rate": 10**400},
        {"learning_rate": math.inf},
        {"flip": "no"},
        {"model": {"size": 20}},
    ],
)
def test_a_value_out_of_range_is_refused(values):
    (name,) = values
    with pytest.raises(InputError, match=name):
        TrainConfig(**values)


FLOW = ModelConfig(streams=("onset", "flow_onset"))


@pytest.mark.parametrize("moved", [{"flip": False}, {"rotation": 0.0}])
def test_flow_is_not_turned_where_no_motion_has_no_value(moved):
    with pytest.raises(InputError, match="minmax, which moves 'no motion'"):
        TrainConfig(model=FLOW, normalization="minmax", **moved)


@pytest.mark.parametrize("moved", [{"flip": False}, {"rotation": 0.0}])
def test_what_is_made_of_each_direction_by_itself_is_not_turned(moved):
    maps = ModelConfig(streams=("onset", "flow_normalized_onset"))
    with pytest.raises(InputError, match="flow_normalized_onset is made of u and v, each normalized by itself"):
        TrainConfig(model=maps, **moved)
    assert TrainConfig(model=maps, flip=False, rotation=0.0).model == maps
    assert TrainConfig(model=OTHERS[-1].model, **moved)  # a length has no direction


def test_flow_that_stays_where_it_is_takes_every_normalization():
    assert TrainConfig(model=FLOW, normalization="minmax", flip=False, rotation=0.0).normalization == "minmax"
    assert TrainConfig(model=FLOW, normalization="symmetric").flip
    assert TrainConfig(normalization="minmax").flip
