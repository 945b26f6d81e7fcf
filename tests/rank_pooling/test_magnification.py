"""The row of a magnified clip against the magnified clip, made frame by frame."""

from fractions import Fraction
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weight_formulas import FORMULAS, lengths

from mer_di.errors import InputError
from mer_di.rank_pooling import Magnification, arp, magnified, phase_weights, scheme_weights

bands = st.tuples(st.floats(0.001, 0.24), st.floats(0.25, 0.5))
magnifications = st.builds(lambda alpha, band: Magnification(alpha, *band), st.floats(0.01, 100), bands)


def magnified_clip(frames, magnification):
    """Follow the definition: two low-passes that begin on the first frame, and α times their difference."""
    fast = slow = frames[0]
    found = []
    for frame in frames:
        turns = [2 * pi * f / magnification.fps for f in (magnification.low, magnification.high)]
        slow, fast = (y + turn / (1 + turn) * (frame - y) for y, turn in zip((slow, fast), turns, strict=True))
        found.append(frame + magnification.alpha * (fast - slow))
    return np.array(found)


@given(magnification=magnifications, n=lengths, seed=st.integers(0, 99))
def test_the_row_gives_of_a_clip_what_arp_gives_of_the_magnified_clip(magnification, n, seed):
    frames = np.random.default_rng(seed).uniform(0, 255, (n, 3))
    row = magnified(n, magnification)
    expected = arp(n) @ magnified_clip(frames, magnification)
    np.testing.assert_allclose(row @ frames, expected, rtol=0, atol=1e-9 * max(1, np.abs(row).sum()))


@given(magnification=magnifications, n=st.integers(3, 40), length=st.none() | st.integers(2, 40), data=st.data())
def test_a_clip_is_magnified_before_it_is_resampled_and_split(magnification, n, length, data):
    apex = data.draw(st.integers(1, n - 2))
    phases = range(apex + 1), range(apex, n)
    rows = phase_weights(n, *phases, scheme="magnified", magnification=magnification, temporal_length=length)
    clip = np.random.default_rng(n).uniform(0, 255, (n, 2))
    expected = phase_weights(n, *phases, temporal_length=length) @ magnified_clip(clip, magnification)
    np.testing.assert_allclose(rows @ clip, expected, rtol=0, atol=1e-9 * np.abs(rows).sum())
    whole = scheme_weights(n, scheme="magnified", magnification=magnification, temporal_length=length)
    assert whole.tolist() == rows[2].tolist()


@given(magnification=magnifications, n=lengths)
def test_what_does_not_move_is_not_magnified(magnification, n):
    assert sum(map(Fraction, magnified(n, magnification).tolist())) == 0


@given(magnification=magnifications, n=st.integers(3, 60), scheme=st.sampled_from(sorted(FORMULAS)))
def test_any_row_keeps_its_sum(magnification, n, scheme):
    row = scheme_weights(n, scheme=scheme)
    kept = sum(map(Fraction, magnification.weights(row).tolist()))
    assert kept == sum(map(Fraction, row.tolist()))


def test_the_filter_is_causal_so_onset_to_apex_looks_at_nothing_behind_it():
    rows = phase_weights(9, range(5), range(4, 9), scheme="magnified", magnification=Magnification(8, 0.02, 0.1))
    assert not rows[0, 5:].any()
    assert rows[1, :4].all()


def test_a_rate_in_hertz_is_a_rate_in_frames():
    in_hertz = magnified(20, Magnification(5, 4, 20, fps=200))
    assert in_hertz.tolist() == magnified(20, Magnification(5, 0.02, 0.1)).tolist()


def test_the_band_passes_what_lies_in_it_and_little_of_what_does_not():
    t = np.arange(2000)
    band = Magnification(1, 0.01, 0.1)
    through = {
        f: np.ptp((magnified_clip(np.sin(2 * pi * f * t), band) - np.sin(2 * pi * f * t))[1000:]) / 2
        for f in (0.0005, 0.03, 0.5)
    }
    assert through[0.03] > 5 * through[0.0005]
    assert through[0.03] > 5 * through[0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.1, 0.2), "alpha is 0"),
        ((1001, 0.1, 0.2), "alpha is 1001; expected a number above 0, up to 1000"),
        ((float("nan"), 0.1, 0.2), "alpha is nan"),
        ((5, 0, 0.2), "the band is 0 to 0.2"),
        ((5, 0.2, 0.2), "two rising numbers"),
        ((5, 10, 60, 100), "at most half of the 100 frames per second"),
        ((5, 0.1, 0.2, float("nan")), "fps is nan"),
        ((5, 0.1, 0.2, 0), "fps is 0; expected frames per second, above 0"),
        ((5, 0.1, 0.2, float("inf")), "fps is inf"),
    ],
)
def test_what_is_no_magnification(arguments, message):
    with pytest.raises(InputError, match=message):
        Magnification(*arguments)


def test_the_largest_factor_and_half_of_the_rate_are_still_allowed():
    assert sum(magnified(9, Magnification(1000, 10, 50, fps=100)).tolist()) == 0
