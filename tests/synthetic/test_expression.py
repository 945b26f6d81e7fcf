import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_di.synthetic.expression import EMOTIONS, MOVES, profile


def test_every_movement_belongs_to_a_known_action_unit():
    for ways in EMOTIONS.values():
        assert {code.lstrip("LR") for way in ways for code in way} <= MOVES.keys()
        assert len(set(ways)) > 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(2, 60), st.integers(2, 60), st.integers(0, 30), st.integers(0, 2**32))
def test_profiles_rise_and_fade(onset, rise, fall, after, seed):
    apex, offset = onset + rise, onset + rise + fall
    curve = profile(offset + after + 1, onset, apex, offset, np.random.default_rng(seed))
    assert curve.shape == (offset + after + 1,)
    assert (curve[: onset + 1] == 0).all()
    assert curve[apex] == 1
    assert (np.diff(curve[onset : apex + 1]) > 0).all()
    assert (np.diff(curve[apex : offset + 1]) < 0).all()
    assert 0 <= curve[offset] <= 0.12
    assert (np.diff(curve[offset:]) <= 0).all()
    assert (curve[offset:] >= 0).all()
