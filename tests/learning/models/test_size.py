import pytest
import torch

from mer_di.errors import InputError
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import architecture, build_model


def config(backbone, size, fusion="concat"):
    return ModelConfig(backbone=backbone, size=size, fusion=fusion, weights="random")


def test_a_size_that_is_too_small_is_named_with_the_smallest_that_is_not():
    with pytest.raises(InputError, match=r"of 16 pixels; expected at least 32 \(Calculated padded input size"):
        build_model(config("test_convnext", 16), 3)
    architecture(config("test_convnext", 32), 3)


def test_a_map_of_one_position_is_too_small_for_attention():
    with pytest.raises(InputError, match=r"of 32 pixels; expected at least 33 \(.*one position.*'concat'"):
        architecture(config("test_resnet", 32, "cross"), 3)
    architecture(config("test_resnet", 32), 3)
    architecture(config("test_resnet", 33, "cross"), 3)


def test_a_backbone_without_one_map_is_refused():
    with pytest.raises(InputError, match="gives a list of features"):
        architecture(config("crossvit_tiny_240", 240), 3)


def test_the_trial_changes_nothing():
    def state(network):
        return [*network.state_dict().values(), torch.rand(1)]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = architecture(config("test_resnet", 32), 3)
        first = state(network)
        torch.manual_seed(0)
        assert all(map(torch.equal, first, state(architecture(config("test_resnet", 64), 3))))
    assert network.training
