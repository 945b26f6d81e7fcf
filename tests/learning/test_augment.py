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
    monkeypatch.setattr(room, "rotate", lambda images, degrees, _flow: seen.append(degrees) or images)
    augment(batch(200, side=2), generator(), rotation=10.0)
    (degrees,) = seen
    assert degrees.shape == (200,)
    assert -10 <= degrees.min() < -9
    assert 9 < degrees.max() <= 10
    assert abs(degrees.mean()) < 1.5


def blob(side, x, y):
    rows, columns = np.mgrid[:side, :side]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)


def moving_blob(side, at, by):
    """A blob, the same blob further on, and the flow between them; as three streams of one sample."""
    (x, y), (u, v) = at, by
    everywhere = np.ones((side, side))
    streams = [[blob(side, x, y)] * 3, [blob(side, x + u, y + v)] * 3, [u * everywhere, v * everywhere, everywhere]]
    return torch.tensor(np.array(streams), dtype=torch.float32)[None]


def centre(image):
    rows, columns = np.mgrid[: len(image), : len(image)]
    weights = image.double().numpy()
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


def assert_leads_from_the_first_to_the_second(images):
    """The oracle: where the flow says that the blob of the first picture went, the second has it."""
    first, second, flow = images[0]
    at = centre(first[0])
    column, row = np.rint(at).astype(int)
    np.testing.assert_allclose(at + flow[:2, row, column].numpy(), centre(second[0]), atol=0.02)
    assert flow[2, row, column] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("degrees", [-40.0, 9.5, 90.0, 180.0])
@pytest.mark.parametrize("by", [(6.0, 0.0), (0.0, 5.0), (-4.0, 3.0)])
def test_flow_is_rotated_into_that_of_the_rotated_pictures(degrees, by):
    images = moving_blob(61, (34.0, 25.0), by)
    assert_leads_from_the_first_to_the_second(images)
    turned = rotate(images, torch.tensor([degrees]), flow=(2,))
    assert_leads_from_the_first_to_the_second(turned)
    assert torch.equal(turned[:, :2], rotate(images, torch.tensor([degrees]))[:, :2])


def test_flow_is_flipped_into_that_of_the_flipped_pictures():
    images = moving_blob(61, (34.0, 25.0), (6.0, 3.0)).expand(20, -1, -1, -1, -1)
    flipped = augment(images, generator(), rotation=0, flow=(2,))
    assert {tuple(sample[2, :, 30, 30].tolist()) for sample in flipped} == {(6.0, 3.0, 1.0), (-6.0, 3.0, 1.0)}
    for sample in flipped:
        assert_leads_from_the_first_to_the_second(sample[None])


def test_flow_takes_the_same_flips_and_angles_as_a_dynamic_image():
    images = batch(20, streams=1).expand(-1, 2, -1, -1, -1)
    augmented = augment(images, generator(), flow=(1,))
    assert torch.equal(augmented[:, 0], augment(images, generator())[:, 0])
    assert torch.equal(augmented[:, 1, 2], augmented[:, 0, 2])
    lengths = augmented[:, :, :2].norm(dim=2)
    torch.testing.assert_close(lengths[:, 1], lengths[:, 0])


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
