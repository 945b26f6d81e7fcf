import numpy as np
import pytest
import torch
from torch import nn

from mer_di.errors import InputError
from mer_di.learning.gradcam import class_map, grad_cam
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import DIANet, LEARNet, OrigiNet


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_the_formula_by_hand():
    activations = torch.tensor([[[1.0, 2.0], [3.0, 0.0], [0.0, 5.0], [1.0, 1.0]]])  # four places, two channels
    gradients = torch.tensor([[[4.0, 0.0], [0.0, -2.0], [0.0, 0.0], [0.0, -2.0]]])  # means 1 and -1
    assert class_map(activations, gradients).tolist() == [[[0.0, 3.0], [0.0, 0.0]]]


def test_with_a_linear_head_over_the_mean_it_is_the_class_weighted_map():
    network = DIANet(ModelConfig(backbone="test_resnet", size=64, streams=("onset",)), 3).eval()
    network.classifier = nn.Linear(512, 3)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        maps = network.backbones[0].forward_features(images)[0]  # (K, h, w)
        weights = network.classifier.weight @ network.projection.weight  # (3, K)
    strongest = 0.0
    for label in range(3):
        expected = torch.einsum("k,khw->hw", weights[label], maps).relu().numpy()
        found = grad_cam(network, images, label)
        assert found.shape == (1, *maps.shape[1:])
        np.testing.assert_allclose(found[0] * maps[0].numel(), expected, rtol=1e-4, atol=1e-6)
        strongest = max(strongest, expected.max())
    assert strongest > 1e-3


@pytest.mark.parametrize("dedicated", [False, True])
def test_each_stream_has_its_own_map_on_one_scale(dedicated):
    config = ModelConfig(backbone="test_resnet", size=64, fusion="concat", dedicated_backbones=dedicated)
    network = DIANet(config, 6).eval()
    projection = network.fusion.projection
    with torch.no_grad():
        projection.weight[:, 512:] = 0  # the second stream has no say
    maps = np.stack([grad_cam(network, torch.randn(2, 3, 64, 64), label) for label in range(6)])
    assert maps[:, 0].max() > 0
    assert maps[:, 1].max() == 0


def test_a_network_is_left_as_it_was():
    network = LEARNet(4).eval()
    images = torch.randn(1, 3, 112, 112)
    before = network(images[None]).logits
    assert grad_cam(network, images, 2).shape == (1, 4, 4)
    assert torch.equal(network(images[None]).logits, before)
    assert not network.merge._forward_hooks
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_network_without_one_last_map_is_refused():
    with pytest.raises(InputError, match="OrigiNet"):
        grad_cam(OrigiNet(3).eval(), torch.randn(1, 3, 128, 128), 0)


def test_tokens_of_no_place_are_left_out_of_a_transformers_map():
    network = DIANet(ModelConfig(backbone="test_vit", size=160, streams=("onset",), fusion="concat"), 3).eval()
    network.classifier = nn.Linear(512, 3)
    images = torch.randn(1, 3, 160, 160)
    tokens = network.backbones[0].forward_features(images)
    assert tokens.shape[1] == 1 + 10 * 10
    weights = network.classifier.weight @ network.projection.weight
    for label in range(3):
        expected = (tokens[0, 1:] @ weights[label]).relu().view(10, 10) / tokens.shape[1]
        np.testing.assert_allclose(grad_cam(network, images, label)[0], expected.detach(), rtol=1e-3, atol=1e-6)


def test_positions_that_form_no_square_are_no_map():
    with pytest.raises(InputError, match="6 positions"):
        class_map(torch.ones(1, 6, 2), torch.ones(1, 6, 2))
