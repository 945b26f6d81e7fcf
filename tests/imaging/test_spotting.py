"""The apex by the frames alone: of pictures whose course is known, and of drawn clips."""

import numpy as np
import pytest
from scipy import ndimage

from mer_di.errors import SampleError
from mer_di.imaging.placement import stretch
from mer_di.imaging.spotting import MOMENTS, SIDE, spot_apex
from mer_di.synthetic import draw_clip

HEIGHT, WIDTH = 72, 60
MATRIX = stretch(HEIGHT, WIDTH, SIDE)
y, x = np.mgrid[:HEIGHT, :WIDTH]
FACE = 120 + 60 * np.sin(x / 6) * np.cos(y / 8) + 0.4 * x
BUMP = np.exp(-((x - 40) ** 2 + (y - 50) ** 2) / (2 * 6**2))


def course(length, apex):
    """A rise and a fall that are no triangle."""
    time = np.arange(length)
    return np.sin(np.pi / 2 * np.minimum(time / apex, (length - 1 - time) / (length - 1 - apex))) ** 2


def clip(length, apex, *, strength=12.0, light=0.0, shift=0.0, noise=0.0):
    """Frames of a bump that comes and goes, while the light drifts and the head moves right and back."""
    rng = np.random.default_rng(length + apex)
    way = np.linspace(0, 1, length)
    frames = []
    for share, t in zip(course(length, apex), way, strict=True):
        moved = ndimage.shift(FACE, (0, shift * np.sin(2 * np.pi * t)), mode="nearest")
        image = (1 + light * t) * (moved + strength * share * BUMP) + rng.normal(0, noise, FACE.shape)
        frames.append(np.repeat(np.rint(image).clip(0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2))
    return frames


def spot(frames, **options):
    return spot_apex(frames, MATRIX, len(frames), **options)


@pytest.mark.parametrize("apex", [6, 20, 31])
@pytest.mark.parametrize(
    "troubles", [{}, {"light": 0.1}, {"light": -0.1}, {"noise": 6.0}, {"shift": 0.4}], ids=lambda value: str(value)
)
def test_the_apex_is_where_something_that_comes_and_goes_is_strongest(apex, troubles):
    assert abs(spot(clip(40, apex, **troubles)).position - apex) <= 2


def test_the_frame_that_differs_most_from_the_onset_would_be_another_one():
    frames = clip(40, 12, light=0.1)
    differences = [np.abs(frame - frames[0].astype(float)).mean() for frame in frames]
    assert np.argmax(differences) > 30


def test_confidence_is_less_where_more_happens_besides():
    still, noisy, weak = (spot(clip(40, 20, noise=noise, strength=s)) for noise, s in ((1, 12), (6, 12), (6, 3)))
    assert 1 >= still.confidence > noisy.confidence > weak.confidence >= 0
    assert still.confidence > 0.8


def test_a_clip_in_which_nothing_changes_has_no_apex():
    with pytest.raises(SampleError, match="apex-not-found: nothing changes between onset and offset"):
        spot(clip(20, 5, strength=0))


def test_an_apex_lies_where_it_may():
    frames = clip(9, 3)
    assert spot(frames).position == 3
    assert spot(frames, positions=range(5, 6)).position == 5
    assert spot(frames[:3]).position == 1


def test_more_frames_than_are_kept_are_taken_together():
    length = 3 * MOMENTS - 1
    still = clip(4, 1, strength=0)[0].astype(float)
    shares = course(length, 400)[:, np.newaxis, np.newaxis, np.newaxis] * 40 * BUMP[..., np.newaxis]
    frames = (np.rint(still + share).astype(np.uint8) for share in shares)
    assert abs(spot_apex(frames, MATRIX, length).position - 400) <= 30


def test_grey_frames_give_what_equal_channels_give():
    frames = clip(20, 8)
    grey = [np.broadcast_to(frame[..., :1], frame.shape) for frame in frames]
    assert spot(grey) == spot(frames)


@pytest.mark.parametrize(("emotion", "subject"), [("surprise", 1), ("disgust", 2), ("happiness", 3)])
def test_the_apex_of_drawn_clips_is_found(emotion, subject):
    drawn = draw_clip(emotion, subject=subject)
    frames = drawn.frames[drawn.onset : drawn.offset + 1]
    found = spot_apex(frames, stretch(*frames.shape[1:3], SIDE), len(frames))
    assert abs(drawn.onset + found.position - drawn.apex) <= 0.1 * len(frames)
