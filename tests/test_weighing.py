"""Rows of an uncertain apex, and of whatever a recipe adds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weight_formulas import ZERO_SUM

from mer_di.errors import InputError
from mer_di.phases import APEX_IN, apexes, split
from mer_di.rank_pooling import Magnification, phase_weights
from mer_di.recipe import Recipe
from mer_di.weighing import apex_shares, clip_weights, half_weights, neighbours, recipe_weights, sample_weights

lengths = st.integers(5, 30)
sigmas = st.floats(0.3, 12)


@given(data=st.data(), n=lengths, sigma=sigmas, apex_in=st.sampled_from(APEX_IN))
def test_shares_are_a_normal_distribution_over_the_apexes_that_there_can_be(data, n, sigma, apex_in):
    legal = apexes(0, n - 1, apex_in=apex_in)
    apex = data.draw(st.sampled_from(legal))
    shares = apex_shares(n, apex, sigma, apex_in=apex_in)
    near = [position for position in legal if abs(position - apex) <= 4 * sigma]
    assert list(shares) == near
    for position, share in shares.items():
        assert share / shares[apex] == pytest.approx(np.exp(-((position - apex) ** 2) / 2 / sigma**2), abs=1e-9)


@pytest.mark.parametrize(
    ("weighing", "rows"),
    [
        ({}, [[-2, 0, 2, 0, 0], [0, 0, 2, 0, -2], [-4, -2, 0, 2, 4]]),
        ({"apex_in": "onset"}, [[-2, 0, 2, 0, 0], [0, 0, 0, 1, -1], [-4, -2, 0, 2, 4]]),
        ({"apex_in": "offset"}, [[-1, 1, 0, 0, 0], [0, 0, 2, 0, -2], [-4, -2, 0, 2, 4]]),
        ({"temporal_length": 2}, [[-1, 0, 1, 0, 0], [0, 0, 1, 0, -1], [-1, 0, 0, 0, 1]]),
        (
            {"scheme": "apex_centred", "apex_in": "offset"},
            [[-1, 1, 0, 0, 0], [0, 0, 2, 0, -2], [-2, 2, 4, 0, -4]],
        ),
        (
            {"scheme": "motion_ranked", "motion": [0, 9, 4, 3, 6]},
            [[-2, 2, 0, 0, 0], [0, 0, 0, -2, 2], [-4, 4, 0, -2, 2]],
        ),
        (
            {"scheme": "harmonic_legacy", "reversal": "sign"},
            [[1 / 2, 3 / 2, 1, 0, 0], [0, 0, -1 / 2, -3 / 2, -1], [-17 / 12, 19 / 12, 25 / 12, 7 / 4, 1]],
        ),
    ],
)
def test_rows_of_a_sure_apex_as_they_are_by_hand(weighing, rows):
    np.testing.assert_allclose(clip_weights(5, 2, **weighing), rows, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scheme", ZERO_SUM)
@given(data=st.data(), n=lengths, sigma=sigmas, length=st.none() | st.integers(2, 20), place=st.sampled_from(APEX_IN))
def test_rows_to_be_expected_are_the_mean_over_apexes_and_sum_to_zero(scheme, data, n, sigma, length, place):
    apex = data.draw(st.sampled_from(apexes(0, n - 1, apex_in=place)))
    weighing = {"scheme": scheme, "temporal_length": length}
    rows = clip_weights(n, apex, apex_sigma=sigma, apex_in=place, **weighing)
    assert [sum(map(Fraction, row.tolist())) for row in rows] == [0, 0, 0]
    shares = apex_shares(n, apex, sigma, apex_in=place)
    mean = sum(
        share * phase_weights(n, *split(0, position, n - 1, apex_in=place), apex=position, **weighing)
        for position, share in shares.items()
    ) / sum(shares.values())
    np.testing.assert_allclose(rows, mean, rtol=0, atol=1e-9 * np.abs(mean).sum())


@given(data=st.data(), n=lengths, sigma=st.floats(1e-6, 0.2499))
def test_of_an_apex_that_is_nearly_sure_the_rows_are_the_usual_ones(data, n, sigma):
    apex = data.draw(st.integers(1, n - 2))
    rows = clip_weights(n, apex, apex_sigma=sigma)
    assert rows.tolist() == clip_weights(n, apex).tolist()
    assert rows.dtype == np.int64


def test_an_uncertain_apex_is_magnified_as_well():
    magnification = Magnification(7, 0.02, 0.2)
    plain = clip_weights(9, 4, apex_sigma=1.0)
    rows = clip_weights(9, 4, apex_sigma=1.0, scheme="magnified", magnification=magnification)
    expected = [magnification.weights(row) for row in plain]
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-9 * np.abs(rows).sum())


@given(data=st.data(), n=lengths, count=st.integers(0, 9), apex_in=st.sampled_from(APEX_IN))
def test_neighbours_lie_around_the_apex_or_as_near_to_that_as_a_clip_can_be_split(data, n, count, apex_in):
    legal = apexes(0, n - 1, apex_in=apex_in)
    apex = data.draw(st.sampled_from(legal))
    around = sorted([-1, 1, -2, 2, -3, 3, -4, 4, -5][:count])
    nearest = [min(legal, key=lambda position: abs(position - apex - distance)) for distance in around]
    assert neighbours(n, apex, count, apex_in=apex_in) == nearest


def test_a_clip_without_an_apex_has_no_neighbours():
    with pytest.raises(InputError, match="a clip of 2 frames has no apex"):
        neighbours(2, 1, 2)


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf")])
def test_an_uncertainty_is_a_number_of_frames(sigma):
    with pytest.raises(InputError, match=r"apex_sigma is .*expected a number of frames above 0"):
        apex_shares(9, 4, sigma)


PLAIN = {"align": "none", "aspect": "stretch"}


@pytest.mark.parametrize(
    "weighing",
    [
        {"scheme": "harmonic_arp"},
        {"scheme": "harmonic_arp", "reversal": "sign"},
        {"apex_in": "onset"},
        {"apex_in": "offset"},
        {"temporal_length": 5},
        {"apex_sigma": 1.5},
        {"scheme": "harmonic_arp", "reversal": "sign", "apex_in": "onset", "temporal_length": 7, "apex_sigma": 0.7},
    ],
)
def test_whatever_a_recipe_says_of_weights_is_in_the_rows_and_in_those_of_its_samples(weighing):
    recipe, plain = Recipe(**PLAIN, **weighing), Recipe(**PLAIN)
    rows = recipe_weights(recipe, 12, 4, fps=None)
    assert rows.tolist() == clip_weights(12, 4, **weighing).tolist()
    assert rows.tolist() != recipe_weights(plain, 12, 4, fps=None).tolist()
    rising, fading = split(0, 4, 11, apex_in=recipe.apex_in)
    sample = {"onset_length": len(rising), "offset_length": len(fading), "fps": float("nan")}
    assert sample_weights(recipe, sample).tolist() == rows.tolist()
    assert half_weights(recipe, sample).tolist() == [sum(map(abs, row)) / 2 for row in rows.tolist()]


def test_a_recipe_that_ranks_by_motion_ranks_by_the_one_of_the_frames():
    recipe = Recipe(**PLAIN, scheme="motion_ranked")
    rows = recipe_weights(recipe, 5, 2, fps=None, motion=[0, 9, 4, 3, 6])
    assert rows.tolist() == [[-2, 2, 0, 0, 0], [0, 0, 0, -2, 2], [-4, 4, 0, -2, 2]]


def test_a_band_in_hertz_needs_the_rate_of_the_recording():
    recipe = Recipe(**PLAIN, scheme="magnified", magnify_band=(2.0, 8.0), magnify_alpha=9.0)
    rows = recipe_weights(recipe, 12, 4, fps=100.0)
    by_frame = clip_weights(12, 4, scheme="magnified", magnification=Magnification(9.0, 0.02, 0.08))
    np.testing.assert_allclose(rows, by_frame, rtol=1e-12, atol=1e-9)
    sample = {"onset_length": 5, "offset_length": 8, "fps": 100.0}
    assert sample_weights(recipe, sample).tolist() == rows.tolist()
    for fps in (None, float("nan")):
        with pytest.raises(InputError, match="fps is nan"):
            recipe_weights(recipe, 12, 4, fps=fps)


def test_a_sample_is_weighed_around_another_apex_if_one_is_given():
    recipe, sample = Recipe(**PLAIN), {"onset_length": 5, "offset_length": 8, "fps": 100.0}
    assert sample_weights(recipe, sample, apex=6).tolist() == clip_weights(12, 6).tolist()
    assert half_weights(recipe, sample).tolist() == [6.0, 16.0, 36.0]
    assert half_weights(recipe, sample, apex=6).tolist() == [12.0, 9.0, 36.0]
