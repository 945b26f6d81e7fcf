from dataclasses import replace

import pytest
import torch
from tiny_network import TINY, normal

from mer_di.errors import InputError
from mer_di.learning.models import architecture
from mer_di.learning.models.fusion import FUSIONS


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("dedicated", [False, True])
def test_two_streams_give_logits_and_two_features(fusion, dedicated):
    model = architecture(replace(TINY, fusion=fusion, dedicated_backbones=dedicated), 5)
    output = model(normal(3, 2, 3, 40, 40))
    assert output.logits.shape == (3, 5)
    assert [feature.shape for feature in output.features] == [(3, 512), (3, 512)]
    assert len(model.backbones) == (2 if dedicated else 1)


@pytest.mark.parametrize("streams", [("onset",), ("full",)])
def test_one_stream_is_not_fused(streams):
    model = architecture(replace(TINY, streams=streams), 4).eval()
    logits, features, _ = model(normal(2, 1, 3, 40, 40))
    assert model.fusion is None
    assert len(features) == 1
    torch.testing.assert_close(logits, model.classifier(features[0]))


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "test_mambaout"])
def test_features_are_the_projected_pooled_features_of_the_backbone(backbone):
    """The mean of projected positions is the projection of their mean, in either order of a map's axes."""
    model = architecture(replace(TINY, backbone=backbone, size=64), 3).eval()
    images = normal(2, 2, 3, 64, 64)
    for stream, feature in enumerate(model(images).features):
        maps = model.backbones[0].forward_features(images[:, stream])
        pooled = maps.mean((1, 2)) if backbone == "test_mambaout" else maps.mean((2, 3))
        torch.testing.assert_close(feature, model.projection(pooled), atol=1e-5, rtol=1e-4)


def test_a_shared_backbone_sees_each_stream_alike_and_a_dedicated_one_its_own():
    images = normal(2, 2, 3, 40, 40)
    shared = architecture(TINY, 3).eval()
    first, second = shared(images).features
    swapped = shared(images.flip(1)).features
    torch.testing.assert_close(swapped[0], second)
    torch.testing.assert_close(swapped[1], first)
    dedicated = architecture(replace(TINY, dedicated_backbones=True), 3).eval()
    first, _ = dedicated(images).features
    assert not torch.allclose(dedicated(images.flip(1)).features[1], first)


def test_transformers_give_their_tokens_as_positions_at_their_own_size_only():
    images = normal(2, 2, 3, 160, 160)
    model = architecture(replace(TINY, backbone="test_vit", size=160), 3)
    assert model(images).logits.shape == (2, 3)
    with pytest.raises(InputError, match="160 pixels, not 40"):
        architecture(replace(TINY, backbone="test_vit"), 3)
