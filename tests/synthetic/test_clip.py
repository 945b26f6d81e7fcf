from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mer_di.errors import InputError
from mer_di.synthetic import draw_clip, drawing
from mer_di.synthetic.drawing import SAMM, film, stage
from mer_di.synthetic.expression import EMOTIONS


def test_a_clip_is_drawn_from_its_own_numbers_alone():
    first = draw_clip("surprise", subject=2, take=3, seed=4)
    drawing._portrait.cache_clear()
    draw_clip("anger", subject=1, seed=9)
    again = draw_clip("surprise", subject=2, take=3, seed=4)
    np.testing.assert_array_equal(first.frames, again.frames)
    assert (first.onset, first.apex, first.offset) == (again.onset, again.apex, again.offset)


def test_draw_clip_returns_rgb_frames_and_positions_in_them():
    clip = draw_clip("contempt", subject=1)
    length = len(clip.frames)
    assert clip.frames.shape == (length, 231, 231, 3)
    assert clip.frames.dtype == np.uint8
    assert 0 <= clip.onset < clip.apex < clip.offset < length
    assert clip.emotion == "contempt"
    assert clip.action_units in EMOTIONS["contempt"]
    red, green, blue = clip.frames[0, 100:160, 80:150].reshape(-1, 3).mean(axis=0)
    assert red > green > blue, "skin, in RGB order"


def test_a_grey_camera_gives_one_channel_and_draw_clip_three_equal_ones(monkeypatch):
    tiny = replace(SAMM, width=96, height=65, eye_distance=14)
    assert next(film(stage("fear", subject=1, take=1, seed=0, camera=tiny), range(1))).shape == (65, 96)
    monkeypatch.setattr("mer_di.synthetic.clip.find_layout", lambda *_: SimpleNamespace(camera=tiny))
    frames = draw_clip("fear", layout="samm").frames
    assert frames.shape[1:] == (65, 96, 3)
    assert (frames == frames[..., :1]).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"emotion": "joy"}, "'joy'; expected one of happiness"),
        ({"emotion": "fear", "subject": -1}, "-1, 1, 0; expected numbers of 0 or more"),
        ({"emotion": "fear", "seed": -3}, "1, 1, -3; expected numbers"),
        ({"emotion": "fear", "layout": "casme4"}, "'casme4'; expected one of casme2, samm, mmew"),
        ({"emotion": "fear", "layout": "samm", "tree": "cropped"}, "no frame tree 'cropped'; expected raw"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        draw_clip(**arguments)
