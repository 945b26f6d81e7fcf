"""Temporal augmentation: images of a clip as samples of their own, and what is tested then."""

import numpy as np
import pytest
import torch
from tiny_network import TINY, normal, seeded

from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import build_model
from mer_di.learning.train import predict_probabilities
from mer_di.learning.views import clip_probabilities, clip_views, training_samples
from mer_di.torch_dataset import LabelledImages


def apart(test_images="mean-of-phases"):
    return ModelConfig(
        backbone=TINY.backbone, weights="random", size=TINY.size, temporal_augmentation=True, test_images=test_images
    )


def clips(config, count=3):
    images = normal(count, len(config.images_read), 3, TINY.size, TINY.size)
    beside = torch.stack([images + 1, images + 2], dim=1)
    return LabelledImages(images, torch.tensor([2, 0, 1][:count]), beside, torch.tensor([1, 0, 0][:count]))


@pytest.mark.parametrize("test_images", ["mean-of-phases", "whole", "per-image"])
def test_both_phases_train_and_the_whole_clip_never_does(test_images):
    config = apart(test_images)
    given = clips(config)
    found = training_samples(given, config)
    assert found.images.shape == (6, 1, 3, TINY.size, TINY.size)
    for row in range(6):
        assert torch.equal(found.images[row, 0], given.images[row // 2, row % 2])
        assert torch.equal(found.neighbours[row, 1, 0], given.neighbours[row // 2, 1, row % 2])
    assert found.labels.tolist() == [2, 2, 0, 0, 1, 1]
    assert found.genders.tolist() == [1, 1, 0, 0, 0, 0]


def test_without_it_a_clip_is_a_sample():
    given = clips(TINY)
    assert training_samples(given, TINY) is given
    assert torch.equal(clip_views(given.images, TINY)[:, 0], given.images)
    network = seeded(build_model, TINY, 3)
    expected = predict_probabilities(network, given.images)
    assert np.array_equal(clip_probabilities(network, given.images, TINY), expected)


def test_one_vote_a_clip_the_whole_image_or_a_vote_an_image():
    network = seeded(build_model, apart(), 3).eval()
    images = clips(apart("whole")).images
    each = [predict_probabilities(network, images[:, [column]]) for column in range(3)]
    mean = clip_probabilities(network, images[:, :2], apart())
    np.testing.assert_allclose(mean, (each[0] + each[1]) / 2, rtol=1e-5)
    np.testing.assert_allclose(clip_probabilities(network, images, apart("whole")), each[2], rtol=1e-5)
    single = clip_probabilities(network, images[:, :2], apart("per-image"))
    np.testing.assert_allclose(single, np.stack(each[:2], axis=1).reshape(6, 3), rtol=1e-5)
