"""Weights against their formulas, in exact fractions."""

import csv
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weight_formulas import FORMULAS, ZERO_SUM, lengths

from mer_di.errors import InputError
from mer_di.rank_pooling import (
    SCHEMES,
    active_image,
    apex_centred,
    arp,
    harmonic_arp,
    motion_ranked,
    phase_weights,
    reversed_arp,
)


def pairwise_differences(n, apart):
    """Weights of the sum of all later-minus-earlier differences of frames at least `apart` apart."""
    weights = [0] * n
    for later in range(n):
        for earlier in range(later - apart + 1):
            weights[later] += 1
            weights[earlier] -= 1
    return weights


def test_every_scheme_has_a_formula_here():
    assert set(SCHEMES) == {*FORMULAS, "magnified"}  # which needs a filter: see test_magnification


@pytest.mark.parametrize("scheme", FORMULAS)
@given(n=lengths)
def test_weights_follow_their_formula(scheme, n):
    weights, formula = SCHEMES[scheme](n), FORMULAS[scheme](n)
    assert weights.shape == (n,)
    error = max(abs(Fraction(w) - f) for w, f in zip(weights.tolist(), formula, strict=True))
    assert error <= Fraction(sum(map(abs, formula))) / 10**13


@pytest.mark.parametrize("scheme", ["arp", "reversed_arp", "active_image", "apex_centred", "motion_ranked"])
def test_integer_schemes_are_int64(scheme):
    assert {SCHEMES[scheme](n).dtype for n in (1, 2, 9)} == {np.dtype(np.int64)}


@given(n=lengths)
def test_arp_is_the_sum_of_all_differences_and_active_image_of_those_two_apart(n):
    assert arp(n).tolist() == pairwise_differences(n, 1)
    assert active_image(n).tolist() == pairwise_differences(n, 2)


def dealt_from(apex, n):
    """Deal T − 1, T − 3, … to the apex, then to its left and right in turn."""
    left, right = list(range(apex)), list(range(n - 1, apex, -1))
    order = [apex]
    while left or right:
        order += [side.pop() for side in (left, right) if side]
    weights = dict(zip(order, range(n - 1, -n, -2), strict=True))
    return [weights[position] for position in range(n)]


@given(data=st.data(), n=lengths)
def test_apex_centred_deals_its_weights_from_the_apex_outwards(data, n):
    apex = data.draw(st.integers(0, n - 1))
    assert apex_centred(n, apex).tolist() == dealt_from(apex, n)


@given(n=lengths)
def test_apex_centred_at_the_ends_is_the_weights_of_a_phase(n):
    assert apex_centred(n, n - 1).tolist() == arp(n).tolist()
    assert apex_centred(n, 0).tolist() == reversed_arp(n).tolist()


@pytest.mark.parametrize(("n", "apex", "cosine"), [(7, 3, 0.918), (21, 10, 0.954), (61, 30, 0.979), (61, 20, 0.887)])
def test_apex_centred_is_nearly_the_sum_of_both_phases(n, apex, cosine):
    rising, fading, centred = phase_weights(n, range(apex + 1), range(apex, n), scheme="apex_centred").astype(float)
    both = rising + fading
    assert both @ centred / np.linalg.norm(both) / np.linalg.norm(centred) == pytest.approx(cosine, abs=0.01)


@given(data=st.data(), n=st.integers(7, 120))
def test_wherever_the_apex_lies(data, n):
    apex = data.draw(st.integers(1, n - 2))
    rising, fading, centred = phase_weights(n, range(apex + 1), range(apex, n), scheme="apex_centred").astype(float)
    both = rising + fading
    assert 0.83 < both @ centred / np.linalg.norm(both) / np.linalg.norm(centred) < 0.99


@pytest.mark.parametrize("apex", [-1, 5, 2.5])
def test_an_apex_that_is_no_frame_is_refused(apex):
    with pytest.raises(InputError, match="0-based position among 5 frames"):
        apex_centred(5, apex)


@given(data=st.data(), n=lengths)
def test_motion_that_falls_with_the_distance_from_the_apex_gives_the_apex_centred_weights(data, n):
    apex = data.draw(st.integers(0, n - 1))
    heights = sorted(data.draw(st.sets(st.integers(0, 10**9), min_size=n, max_size=n)), reverse=True)
    bell = [heights[abs(t - apex)] for t in range(n)]
    assert motion_ranked(n, bell).tolist() == apex_centred(n, apex).tolist()


@given(motion=st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_motion_ranks_by_counting(motion):
    """The rank of a frame is how many are weaker, and of its equals those that come later, itself included."""
    n = len(motion)
    ranks = [sum(m < own for m in motion) + motion[t:].count(own) for t, own in enumerate(motion)]
    assert motion_ranked(n, motion).tolist() == [2 * rank - n - 1 for rank in ranks]


@pytest.mark.parametrize("motion", [[1, 2], [[1, 2, 3]], [1, 2, np.nan], ["a", "b", "c"]])
def test_a_motion_is_a_number_for_each_frame(motion):
    with pytest.raises(InputError, match=r"^motion( has shape|: found)"):
        motion_ranked(3, motion)


def test_weights_as_published():
    np.testing.assert_allclose(harmonic_arp(5), [-3.7, 0.3, 1.3, 1.3, 0.8], rtol=0, atol=1e-12)
    assert apex_centred(10, 4).tolist() == [-5, -1, 3, 7, 9, 5, 1, -3, -7, -9]
    assert active_image(10).tolist() == [-8, -7, -5, -3, -1, 1, 3, 5, 7, 8]
    assert reversed_arp(5).tolist() == [4, 2, 0, -2, -4]


@pytest.mark.parametrize("scheme", ZERO_SUM)
def test_a_single_frame_has_no_weight(scheme):
    assert SCHEMES[scheme](1).tolist() == [0]


@pytest.mark.parametrize("clip", ["grid_swiz3n_12f", "grid_bbaf2n_30f"])
def test_weights_of_the_authors_program(media, clip):
    with (media / "di_reference" / clip / "alpha.csv").open(newline="") as file:
        published = [float(row[0]) for row in csv.reader(file)]
    np.testing.assert_allclose(harmonic_arp(len(published)), published, rtol=0, atol=1e-10)
