"""Flips and rotations: alike for both streams, from the generator alone, and linear."""

import math

import numpy as np
import pytest
import torch

from mer_di.learning import augment as room
from mer_di.learning.augment import augment, rotate


def batch(count=8, streams=2, side=7, seed=0):
    return torch.randn(count, streams, 3, side, side, generator=torch.Generator().manual_seed(seed))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rotated(image, degrees):
    """Rotate one (H, W) image counter-clockwise about its centre, bilinearly, zero outside: pixel by pixel."""
    side = len(image)
    centre, angle = (side - 1) / 2, math.radians(degrees)
    result = np.zeros((side, side))
    for row in range(side):
        for column in range(side):
            right, up = column - centre, centre - row
            x = centre + right * math.cos(angle) + up * math.sin(angle)
            y = centre - (up * math.cos(angle) - right * math.sin(angle))
            for r in (math.floor(y), math.floor(y) + 1):
                for c in (math.floor(x), math.floor(x) + 1):
                    if 0 <= r < side and 0 <= c < side:
                        result[row, column] += (1 - abs(y - r)) * (1 - abs(x - c)) * image[r, c]
    return result


@pytest.mark.parametrize("degrees", [-9.5, 3.0, 10.0, 117.0])
def test_rotation_against_its_definition(degrees):
    images = batch(1)
    turned = rotate(images, torch.tensor([degrees]))
    for stream in range(2):
        for channel in range(3):
            expected = rotated(images[0, stream, channel].double().numpy(), degrees)
            np.testing.assert_allclose(turned[0, stream, channel].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 6, 7])
def test_a_right_angle_turns_counter_clockwise(side):
    images = batch(side=side)
    turned = rotate(images, torch.full((8,), 90.0))
    torch.testing.assert_close(turned, torch.rot90(images, 1, (-2, -1)), atol=1e-5, rtol=0)


def test_a_flip_is_the_exact_mirror_of_all_streams_or_of_none():
    images = batch(40)
    flipped = augment(images, generator(), rotation=0)
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(flipped, images, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(flipped, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 10 < sum(mirrored) < 30


def test_angles_lie_within_the_range_one_a_sample(monkeypatch):
    seen = []
    monkeypatch.setattr(room, "rotate", lambda images, degrees: seen.append(degrees) or images)
    augment(batch(200, side=2), generator(), rotation=10.0)
    (degrees,) = seen
    assert degrees.shape == (200,)
    assert -10 <= degrees.min() < -9
    assert 9 < degrees.max() <= 10
    assert abs(degrees.mean()) < 1.5


def test_both_streams_of_a_sample_are_moved_alike():
    images = batch(streams=1).expand(-1, 2, -1, -1, -1)
    augmented = augment(images, generator())
    assert torch.equal(augmented[:, 0], augmented[:, 1])
    assert not torch.allclose(augmented[:, 0], images[:, 0])


def test_a_seed_is_an_augmentation_and_images_are_not_changed():
    images = batch()
    before = images.clone()
    torch.manual_seed(1)
    first = augment(images, generator(5))
    torch.manual_seed(2)
    assert torch.equal(first, augment(images, generator(5)))
    assert not torch.equal(first, augment(images, generator(6)))
    assert torch.equal(images, before)


def test_augmentation_commutes_with_sums_of_frames_and_keeps_no_motion_zero():
    first, second = batch(seed=1), batch(seed=2)
    weighted = augment(3 * first - 2 * second, generator())
    torch.testing.assert_close(
        weighted, 3 * augment(first, generator()) - 2 * augment(second, generator()), atol=1e-4, rtol=0
    )
    assert torch.equal(augment(torch.zeros(4, 2, 3, 5, 5), generator()), torch.zeros(4, 2, 3, 5, 5))


def test_nothing_asked_for_is_nothing_done():
    images = batch()
    assert torch.equal(augment(images, generator(), flip=False, rotation=0), images)
