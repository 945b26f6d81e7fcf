from dataclasses import replace

import pytest
import timm
from tiny_network import LITE0, TINY

from mer_di.errors import InputError
from mer_di.learning.models import BACKBONES, architecture


def test_short_names_are_models_that_have_imagenet_weights():
    for name in (*BACKBONES.values(), LITE0):
        assert timm.is_model_pretrained(name)


def test_an_unknown_backbone_is_refused_with_names_like_it():
    with pytest.raises(InputError, match="resnet18d"):
        architecture(replace(TINY, backbone="resnet18?"), 3)
    with pytest.raises(InputError, match="efficientnetv2, resnet18, convnext, mobilevit"):
        architecture(replace(TINY, backbone="vgg99"), 3)
