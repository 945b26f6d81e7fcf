"""Rows that sum to exactly what their formulas sum to."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weight_formulas import FORMULAS, ZERO_SUM, lengths, resampled_lengths

from mer_di.errors import InputError
from mer_di.rank_pooling import SCHEMES, harmonic_arp, harmonic_legacy, scheme_weights
from mer_di.rank_pooling.exact import on_grid


def exact_sum(row):
    return sum(map(Fraction, row.tolist()))


@pytest.mark.parametrize("scheme", ZERO_SUM)
@given(n=lengths)
def test_zero_sum_schemes_sum_to_exactly_zero(scheme, n):
    assert exact_sum(SCHEMES[scheme](n)) == 0


@pytest.mark.parametrize("n", [500, 5001])
def test_long_harmonic_rows_sum_to_exactly_zero(n):
    assert exact_sum(harmonic_arp(n)) == 0
    assert exact_sum(harmonic_legacy(n)) == n


@given(n=lengths)
def test_the_legacy_port_leaves_a_static_face_of_weight_n(n):
    assert exact_sum(harmonic_legacy(n)) == n


@pytest.mark.parametrize("scheme", FORMULAS)
@given(length=resampled_lengths, n=lengths)
def test_folding_keeps_the_sum_exactly(scheme, length, n):
    row = scheme_weights(n, scheme=scheme, temporal_length=length)
    assert exact_sum(row) == (length if scheme == "harmonic_legacy" else 0)


@given(seed=st.integers(0, 999), n=st.integers(2, 60), total=st.integers(-3, 3))
def test_no_weight_moves_by_a_whole_unit(seed, n, total):
    row = np.random.default_rng(seed).normal(size=n)
    row += (total - row.sum()) / n
    unit = Fraction(2) ** (math.frexp(np.abs(row).sum())[1] - 46)
    rounded = on_grid(row)
    assert exact_sum(rounded) == total
    for before, after in zip(row.tolist(), rounded.tolist(), strict=True):
        assert Fraction(after) % unit == 0
        assert abs(Fraction(after) - Fraction(before)) < unit


def test_among_equal_weights_the_first_take_the_missing_units():
    row = np.tile([0.3, 0.3, 0.4], 20)  # sorted without stability, they are taken from anywhere
    equal = on_grid(row)[row == 0.3]
    assert len(set(equal.tolist())) == 2
    assert equal.tolist() == sorted(equal.tolist(), reverse=True)


@pytest.mark.parametrize("n", [0, -3, 2.0, 2.5, "4", None])
@pytest.mark.parametrize("scheme", FORMULAS)
def test_the_number_of_frames_is_a_positive_integer(scheme, n):
    with pytest.raises(InputError, match=r"n_frames is .*expected an integer of at least 1"):
        SCHEMES[scheme](n)
