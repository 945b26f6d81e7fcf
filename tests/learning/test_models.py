"""What holds of every network, by whatever layers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_network import TINY, normal, seeded

from mer_di.errors import InputError
from mer_di.learning.architectures import ARCHITECTURES
from mer_di.learning.gradcam import grad_cam
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import architecture, build_model
from mer_di.learning.saved_model import SavedModel, load_model, save_model
from mer_di.learning.train import predict_probabilities, train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe
from mer_di.torch_dataset import LabelledImages

RECIPE = Recipe(align="none", aspect="stretch")
PARAMETERS = {  # for 5 classes
    "learnet": 1_866_053,
    "learnet-vnu": 882_309,
    "originet": 1_872_613,
    "geme-reconstruction": 22_359_175,
    "fdcn-reconstruction": 24_520_709,
    "affectivenet-reconstruction": 491_525,
}


def config_of(name, size=None):
    if name == "dianet":
        return replace(TINY, size=size or TINY.size)
    streams = tuple(takes[0] for takes in ARCHITECTURES[name].streams)
    return ModelConfig(architecture=name, streams=streams, size=size)


def small(name):
    """The smallest images that are more than one position at the end, to be quick."""
    return config_of(name, None if name == "dianet" or ARCHITECTURES[name].smallest is None else 64)


def samples(config, count=4, seed=0):
    images = normal(count, config.n_streams, 3, config.input_size, config.input_size, seed=seed)
    genders = torch.arange(count) // 2 % 2 if config.own.learns_gender else None
    return LabelledImages(images, torch.arange(count) % 2, genders=genders)


def trained(name, **parameters):
    config = TrainConfig(model=small(name), epochs=1, batch_size=2, **parameters)
    return config, train_model(samples(config.model), None, 2, config, seed=3)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_number_of_parameters_is_the_one_that_is_documented(name):
    network = architecture(config_of(name), 5)
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name]


def test_learnet_of_the_laboratory_is_its_program_without_what_that_never_calls():
    never_called = 2 * torch.nn.Conv2d(16, 16, 1).weight.numel() + 2 * 16 + 2 * 32 * 32 + 2 * 32
    assert PARAMETERS["learnet-vnu"] + never_called == 884_965


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_gradient_reaches_every_weight(name):
    network = seeded(build_model, small(name), 3).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    for _ in range(2):  # timm's residual blocks begin as identities: what is within them learns from the second step on
        optimizer.zero_grad()
        output = network(samples(small(name), 6).images)
        score = output.logits.square().sum()
        if output.genders is not None:
            score = score + output.genders.square().sum()
        score.backward()
        optimizer.step()
    unreached = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unreached == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_seed_is_a_result_and_a_saved_network_says_what_the_network_said(name, tmp_path):
    (config, first), (_, second) = trained(name), trained(name)
    unseen = samples(config.model, seed=1).images
    said = predict_probabilities(first.model, unseen)
    assert np.array_equal(said, predict_probabilities(second.model, unseen))
    assert len(np.unique(said, axis=0)) > 1
    save_model(SavedModel(first.model, config, ("one", "two"), RECIPE), tmp_path / "model.safetensors")
    kept = load_model(tmp_path / "model.safetensors")
    assert kept.config.text == config.text
    assert np.array_equal(said, predict_probabilities(kept.network, unseen))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_step_in_bfloat16_is_nearly_one_in_float32(name):
    config, rounded = trained(name, precision="bfloat16")
    _, exact = trained(name)
    unseen = samples(config.model, seed=1).images
    assert all(parameter.dtype == torch.float32 for parameter in rounded.model.parameters())
    ours, theirs = rounded.history[0]["training_loss"], exact.history[0]["training_loss"]
    assert ours == pytest.approx(theirs, rel=0.1)
    assert ours != theirs
    assert np.isfinite(predict_probabilities(rounded.model, unseen)).all()


@pytest.mark.parametrize("name", sorted({*ARCHITECTURES} - {"originet"}))
def test_grad_cam_has_a_map_for_each_image_and_explains_the_class(name):
    config = small(name)
    network = seeded(build_model, config, 3).eval()
    image = samples(config).images[0]
    maps = np.stack([grad_cam(network, image, label) for label in range(3)])
    assert maps.shape[1] == config.n_streams
    assert maps.shape[2] == maps.shape[3] > 1
    assert maps.max() > 0
    assert not np.array_equal(maps[0], maps[1])


@pytest.mark.parametrize("name", sorted({*ARCHITECTURES} - {"dianet"}))
def test_images_that_are_too_small_are_refused_in_words(name):
    smallest = {"learnet": 112, "originet": 128, "affectivenet-reconstruction": 8}.get(name, 32)
    assert architecture(config_of(name, smallest), 2)
    with pytest.raises(InputError, match=f"size is {smallest - 1}; {name} takes {smallest}"):
        config_of(name, smallest - 1)


@pytest.mark.parametrize("name", sorted({*ARCHITECTURES} - {"dianet"}))
def test_streams_of_another_number_are_refused_in_words(name):
    wanted = "one of onset, offset, full" + (
        " and one of flow_onset" if name == "fdcn-reconstruction" else ", flow_onset"
    )
    with pytest.raises(InputError, match=f"streams are onset, offset; {name} takes {wanted}"):
        ModelConfig(architecture=name, streams=("onset", "offset"))
