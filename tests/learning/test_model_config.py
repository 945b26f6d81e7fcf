import math

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
        ({"architecture": "alexnet"}, "dianet, learnet, learnet-vnu, originet, geme-reconstruction"),
        ({"fusion": "sum"}, "cross, cross-single-token, simple, concat"),
        ({"streams": ("onset", "apex")}, "onset, offset, full"),
        ({"test_images": "whole"}, "without temporal augmentation"),
        ({"temporal_augmentation": True, "streams": ("onset", "flow_onset")}, "of one kind"),
        (
            {"temporal_augmentation": True, "streams": ("flow_onset", "flow_offset"), "test_images": "whole"},
            "of one kind",
        ),
        ({"temporal_augmentation": True, "test_images": "some"}, "mean-of-phases, whole, per-image"),
        ({"temporal_augmentation": True, "streams": ("full",)}, "expected two different streams"),
        ({"temporal_augmentation": True, "streams": ("full", "full")}, "expected two different streams"),
        (
            {"temporal_augmentation": True, "streams": ("flow_onset", "flow_offset"), "test_images": "whole"},
            "flow_onset, flow_offset, full",
        ),
        (
            {"architecture": "fdcn-reconstruction", "temporal_augmentation": True},
            "full and one of flow_onset",
        ),
        (
            {"architecture": "fdcn-reconstruction", "streams": ("flow_onset", "full")},
            "full and one of flow_onset",
        ),
        ({"temporal_augmentation": True, "streams": ("flow_onset", "flow_direction_offset")}, "of one kind"),
        ({"streams": ("flow_combined",)}, "expected three numbers, θ₁, θ₂ and n"),
        ({"streams": ("flow_combined",), "flow_combination": (1.0, 1.0)}, "expected three numbers"),
        ({"streams": ("flow_combined",), "flow_combination": (1.0, 1.0, -1.0)}, "exponent is -1.0"),
        ({"streams": ("flow_combined",), "flow_combination": (1.0, math.nan, 1.0)}, "nan; expected a finite number"),
        ({"flow_combination": (1.0, 1.0, 1.0)}, "of the stream flow_combined, which is not there"),
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
        ({"architecture": "learnet"}, "takes one of onset"),
        ({"architecture": "learnet", "streams": ("full",), "size": 224}, "takes 112"),
        (
            {"architecture": "originet", "streams": ("full",), "backbone": "resnet18"},
            "is no parameter of originet",
        ),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(values, words):
    with pytest.raises(InputError, match=words):
        ModelConfig(**values)


def test_flow_is_where_the_network_sees_it():
    assert ModelConfig(streams=("full", "flow_onset")).flow_streams == (1,)
    assert ModelConfig(streams=("flow_onset", "flow_offset")).flow_streams == (0, 1)
    assert ModelConfig(streams=("flow_onset", "flow_offset"), temporal_augmentation=True).flow_streams == (0,)


def test_flow_is_needed_by_whoever_reads_it_or_a_map_of_it():
    combined = ModelConfig(streams=("onset", "flow_combined"), flow_combination=(1.0, 1.0, 1.0))
    direction = ModelConfig(streams=("flow_direction_onset", "flow_direction_offset"), temporal_augmentation=True)
    assert [config.needs_flow for config in (ModelConfig(), combined, direction)] == [False, True, True]
    assert combined.flow_streams == direction.flow_streams == ()  # nothing to turn within a pixel
    assert combined.parameters["flow_combination"] == (1.0, 1.0, 1.0)
    assert "flow_combination" not in direction.parameters


def test_temporal_augmentation_is_for_a_network_of_one_stream():
    together, apart = ModelConfig(), ModelConfig(temporal_augmentation=True)
    assert (together.n_streams, together.samples_per_clip, together.images_read) == (2, 1, ("onset", "offset"))
    assert (apart.n_streams, apart.samples_per_clip, apart.images_read) == (1, 2, ("onset", "offset"))
    flows = ModelConfig(streams=("flow_onset", "flow_offset"))
    assert flows.flow_streams == (0, 1)
    assert ModelConfig(streams=flows.streams, temporal_augmentation=True).flow_streams == (0,)
    whole = ModelConfig(architecture="learnet", temporal_augmentation=True, test_images="whole")
    assert (whole.n_streams, whole.images_read) == (1, ("onset", "offset", "full"))


def test_parameters_are_those_that_matter(tmp_path):
    assert ModelConfig(architecture="learnet", streams=("full",)).parameters == {
        "architecture": "learnet",
        "streams": ["full"],
        "size": 112,
        "temporal_augmentation": False,
    }
    assert ModelConfig().parameters == ModelConfig(size=224).parameters
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"the same bytes")
    here, there = (ModelConfig(weights=str(tmp_path / name)).parameters for name in ("a", "b"))
    assert here == there
    assert here["weights"].startswith("sha256:")
    with pytest.raises(InputError, match="no file"):
        _ = ModelConfig(weights=str(tmp_path / "absent")).parameters
