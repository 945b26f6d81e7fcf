"""Rows that sum to exactly what their formulas sum to."""

from fractions import Fraction

import pytest
from hypothesis import given
from weight_formulas import ZERO_SUM, lengths, resampled_lengths

from mer_di.errors import InputError
from mer_di.rank_pooling import SCHEMES, harmonic_arp, harmonic_legacy, scheme_weights


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


@pytest.mark.parametrize("scheme", SCHEMES)
@given(length=resampled_lengths, n=lengths)
def test_folding_keeps_the_sum_exactly(scheme, length, n):
    row = scheme_weights(n, scheme=scheme, temporal_length=length)
    assert exact_sum(row) == (length if scheme == "harmonic_legacy" else 0)


@pytest.mark.parametrize("n", [0, -3, 2.0, 2.5, "4", None])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_number_of_frames_is_a_positive_integer(scheme, n):
    with pytest.raises(InputError, match=r"n_frames is .*expected an integer of at least 1"):
        SCHEMES[scheme](n)
