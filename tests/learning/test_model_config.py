import pytest

from mer_di.errors import InputError
from mer_di.learning.model_config import ModelConfig


def test_each_architecture_has_its_input_size():
    assert ModelConfig().input_size == 224
    assert ModelConfig(architecture="learnet", streams=("full",)).input_size == 112
    assert ModelConfig(architecture="originet", streams=("full",)).input_size == 128
    assert ModelConfig(size=96).input_size == 96


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"architecture": "alexnet"}, "dianet, learnet, originet"),
        ({"fusion": "sum"}, "cross, cross-single-token, simple, concat"),
        ({"streams": ("onset", "apex")}, "onset, offset, full"),
        ({"streams": ()}, "one or two"),
        ({"streams": ("onset", "offset", "full")}, "one or two"),
        ({"size": 0}, "1 to 4096 pixels"),
        ({"size": 10**9}, "1 to 4096 pixels"),
        ({"size": 64.5}, "size is 64.5; expected int or None"),
        ({"size": True}, "size is True"),
        ({"backbone": ["resnet18"]}, "backbone is .'resnet18'.; expected str"),
        ({"weights": None}, "weights is None; expected str"),
        ({"streams": "onset"}, "streams is 'onset'"),
        ({"fusion": ["cross"]}, "fusion is"),
        ({"dedicated_backbones": 1}, "dedicated_backbones is 1; expected bool"),
        ({"dropout": "half"}, "dropout is 'half'; expected a finite number"),
        ({"dropout": 1.0}, "below 1"),
        ({"architecture": "learnet"}, "takes one"),
        ({"architecture": "learnet", "streams": ("full",), "size": 224}, "takes 112"),
        ({"architecture": "originet", "streams": ("full",), "backbone": "resnet18"}, "parameter of dianet"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(values, words):
    with pytest.raises(InputError, match=words):
        ModelConfig(**values)


def test_parameters_are_those_that_matter(tmp_path):
    assert ModelConfig(architecture="learnet", streams=("full",)).parameters == {
        "architecture": "learnet",
        "streams": ["full"],
        "size": 112,
    }
    assert ModelConfig().parameters == ModelConfig(size=224).parameters
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"the same bytes")
    here, there = (ModelConfig(weights=str(tmp_path / name)).parameters for name in ("a", "b"))
    assert here == there
    assert here["weights"].startswith("sha256:")
    with pytest.raises(InputError, match="no file"):
        _ = ModelConfig(weights=str(tmp_path / "absent")).parameters
