"""Rows of weights over a clip: resampled to a length, and for each phase."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weight_formulas import FORMULAS, lengths, resampled_lengths

from mer_di.errors import InputError
from mer_di.rank_pooling import (
    SCHEMES,
    Magnification,
    apex_centred,
    arp,
    phase_weights,
    scheme_weights,
    temporal_normalization,
)


@given(length=st.integers(2, 40), n=st.integers(2, 40), seed=st.integers(0, 99))
def test_temporal_normalization_interpolates_linearly(length, n, seed):
    clip = np.random.default_rng(seed).normal(size=n)
    resampled = np.interp(np.linspace(0, n - 1, length), np.arange(n), clip)
    np.testing.assert_allclose(temporal_normalization(length, n) @ clip, resampled, atol=1e-12)


@given(length=lengths, n=lengths)
def test_temporal_normalization_keeps_a_constant(length, n):
    matrix = temporal_normalization(length, n)
    assert matrix.shape == (length, n)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-15)


@given(length=st.integers(2, 40), n=st.integers(1, 40))
def test_temporal_normalization_keeps_both_ends(length, n):
    matrix = temporal_normalization(length, n)
    assert matrix[0].tolist() == [1] + [0] * (n - 1)
    assert matrix[-1].tolist() == [0] * (n - 1) + [1]


def test_temporal_normalization_to_the_same_length_changes_nothing():
    assert np.array_equal(temporal_normalization(17, 17), np.eye(17))


def test_temporal_normalization_to_one_frame_is_the_middle():
    assert temporal_normalization(1, 5).tolist() == [[0, 0, 1, 0, 0]]
    assert temporal_normalization(1, 4).tolist() == [[0, 0.5, 0.5, 0]]
    assert temporal_normalization(1, 1).tolist() == [[1]]


@pytest.mark.parametrize(
    ("arguments", "found"), [((0, 5), "length is 0"), ((5, 0), "n_frames is 0"), ((2.5, 4), "length is 2.5")]
)
def test_temporal_normalization_needs_positive_integers(arguments, found):
    with pytest.raises(InputError, match=f"^{found}; expected an integer of at least 1"):
        temporal_normalization(*arguments)


@pytest.mark.parametrize("scheme", FORMULAS)
@given(length=resampled_lengths, n=lengths)
def test_folded_weights_equal_weights_on_resampled_frames(scheme, length, n):
    row = scheme_weights(n, scheme=scheme, temporal_length=length)
    unit_frames = np.eye(n)
    positions = np.linspace(0, n - 1, length) if length > 1 else [(n - 1) / 2]
    resampled = np.array([[np.interp(p, np.arange(n), frame) for p in positions] for frame in unit_frames])
    weights = np.array([float(w) for w in FORMULAS[scheme](length)])
    np.testing.assert_allclose(row, resampled @ weights, rtol=0, atol=1e-12 * max(1, np.abs(weights).sum()))


def test_rows_stay_integers_where_no_frames_are_mixed():
    same = scheme_weights(9, temporal_length=9)
    every_second = scheme_weights(9, temporal_length=5)
    mixed = scheme_weights(9, temporal_length=4)
    assert (same.dtype, every_second.dtype, mixed.dtype) == (np.int64, np.int64, np.float64)
    assert same.tolist() == arp(9).tolist()
    assert every_second.tolist() == [-4, 0, -2, 0, 0, 0, 2, 0, 4]


@pytest.mark.parametrize(
    ("n", "onset_phase", "offset_phase"),
    [(9, range(4), range(4, 9)), (9, range(5), range(5, 9)), (10, range(5), range(5, 10))],
    ids=["onset", "offset", "full"],
)
def test_one_row_that_mixes_frames_makes_all_of_them_floats(n, onset_phase, offset_phase):
    rows = phase_weights(n, onset_phase, offset_phase, temporal_length=5)
    alone = [scheme_weights(count, temporal_length=5) for count in (len(onset_phase), len(offset_phase), n)]
    assert sorted(row.dtype.kind for row in alone) == ["f", "i", "i"]
    assert rows.dtype == np.float64
    assert rows[0, onset_phase].tolist() == alone[0].tolist()
    assert rows[1, offset_phase].tolist() == alone[1][::-1].tolist()
    assert rows[2].tolist() == alone[2].tolist()


@pytest.mark.parametrize("scheme", FORMULAS)
@pytest.mark.parametrize(("onset_phase", "offset_phase"), [(range(5), range(4, 9)), (range(1, 4), range(6, 8))])
def test_phase_rows_are_the_scheme_on_each_phase_and_on_the_clip(scheme, onset_phase, offset_phase):
    expected = np.zeros((3, 9))
    expected[0, list(onset_phase)] = [float(w) for w in FORMULAS[scheme](len(onset_phase))]
    expected[1, list(reversed(offset_phase))] = [float(w) for w in FORMULAS[scheme](len(offset_phase))]
    expected[2] = [float(w) for w in FORMULAS[scheme](9)]
    rows = phase_weights(9, onset_phase, offset_phase, scheme=scheme, apex=8)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-11)
    assert rows.dtype == SCHEMES[scheme](9).dtype


def test_the_whole_clip_is_centred_on_the_apex_the_phases_end_there():
    rows = phase_weights(7, range(4), range(3, 7), scheme="apex_centred")
    assert rows.tolist() == [[-3, -1, 1, 3, 0, 0, 0], [0, 0, 0, 3, 1, -1, -3], [-4, 0, 4, 6, 2, -2, -6]]
    apart = phase_weights(7, range(3), range(3, 7), scheme="apex_centred", apex=3)
    assert apart[2].tolist() == rows[2].tolist()


@given(data=st.data(), length=st.integers(2, 12), n=st.integers(1, 12))
def test_the_apex_of_a_resampled_clip_is_the_nearest_position(data, length, n):
    apex = data.draw(st.integers(0, n - 1))
    row = scheme_weights(n, scheme="apex_centred", temporal_length=length, apex=apex)
    positions = range(length)
    away = [abs(position * (n - 1) - apex * (length - 1)) for position in positions]
    nearest = [position for position in positions if away[position] == min(away)] if n > 1 else [0]
    rows = [apex_centred(length, position) @ temporal_normalization(length, n) for position in nearest]
    assert any(np.allclose(row, expected, rtol=0, atol=1e-11) for expected in rows)


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_the_last_frame_stays_the_last_of_a_resampled_clip(n):
    at_the_end = scheme_weights(n, scheme="apex_centred", temporal_length=5, apex=n - 1)
    assert at_the_end.tolist() == scheme_weights(n, scheme="arp", temporal_length=5).tolist()


def test_the_offset_row_of_arp_is_equation_3():
    rows = phase_weights(9, range(4), range(3, 9))
    assert rows[1, 3:].tolist() == [7 - 2 * t for t in range(1, 7)]


def test_each_phase_ranks_its_own_frames_by_their_motion():
    rows = phase_weights(7, range(4), range(3, 7), scheme="motion_ranked", motion=[0, 5, 1, 9, 6, 2, 4])
    assert rows.tolist() == [[-3, 1, -1, 3, 0, 0, 0], [0, 0, 0, 3, 1, -3, -1], [-6, 2, -4, 6, 4, -2, 0]]


def test_of_equal_motion_in_a_phase_the_frame_farther_from_the_apex_counts_more():
    """As of a rising phase, so of the fall, which is seen in reverse."""
    rows = phase_weights(5, range(3), range(2, 5), scheme="motion_ranked", motion=[3, 3, 3, 3, 3])
    assert rows.tolist()[:2] == [[2, 0, -2, 0, 0], [0, 0, -2, 0, 2]]


def test_a_resampled_clip_is_ranked_by_the_resampled_motion():
    motion = [0, 3, 9, 4, 1]
    row = scheme_weights(5, scheme="motion_ranked", motion=motion, temporal_length=3)
    assert row.tolist() == [-2, 0, 2, 0, 0]  # of 0, 9 and 1 the second is the strongest
    rows = phase_weights(5, range(3), range(2, 5), scheme="motion_ranked", motion=motion, temporal_length=2)
    assert rows.tolist() == [[-1, 0, 1, 0, 0], [0, 0, 1, 0, -1], [-1, 0, 0, 0, 1]]


def test_no_other_scheme_looks_at_a_motion():
    assert scheme_weights(5, scheme="motion_ranked", motion=[0, 3, 9, 4, 1]).tolist() == [-4, 0, 4, 2, -2]
    for scheme in FORMULAS.keys() - {"motion_ranked"}:
        assert scheme_weights(5, scheme=scheme, motion=[0, 3, 9, 4, 1]).tolist() == SCHEMES[scheme](5).tolist()


@given(data=st.data(), n=st.integers(3, 30), length=st.none() | resampled_lengths)
def test_a_bell_of_motion_ranks_phases_and_clip_as_the_apex_does(data, n, length):
    apex = data.draw(st.integers(1, n - 2))
    phases = range(apex + 1), range(apex, n)
    bell = [-abs(t - apex) for t in range(n)]
    ranked = phase_weights(n, *phases, scheme="motion_ranked", motion=bell, temporal_length=length)
    centred = phase_weights(n, *phases, scheme="apex_centred", temporal_length=length)
    assert ranked[:2].tolist() == centred[:2].tolist()
    if length is None:
        assert ranked[2].tolist() == centred[2].tolist()


@given(n=st.integers(2, 30))
def test_reversal_by_sign_negates_and_differs_only_where_a_scheme_is_not_antisymmetric(n):
    for scheme in FORMULAS.keys() - {"motion_ranked"}:
        by_sign = phase_weights(n, range(n), range(n), scheme=scheme, reversal="sign")
        by_time = phase_weights(n, range(n), range(n), scheme=scheme, reversal="time")
        assert np.array_equal(by_sign[1], -by_sign[0])
        assert np.array_equal(by_time[1], by_time[0, ::-1])
        formula = FORMULAS[scheme](n)
        antisymmetric = formula == [-weight for weight in reversed(formula)]
        assert np.array_equal(by_sign[1], by_time[1]) == antisymmetric


def test_each_phase_is_normalized_to_the_length_for_itself():
    rows = phase_weights(12, range(5), range(4, 12), temporal_length=7)
    assert np.array_equal(rows[0, :5], scheme_weights(5, temporal_length=7))
    assert np.array_equal(rows[1, 4:], scheme_weights(8, temporal_length=7)[::-1])
    assert np.array_equal(rows[2], scheme_weights(12, temporal_length=7))
    assert not rows[0, 5:].any()
    assert not rows[1, :4].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheme": "bilen"}, "scheme is 'bilen'; expected one of arp, reversed_arp, harmonic_arp"),
        ({"reversal": "space"}, "reversal is 'space'; expected one of time, sign"),
        ({"scheme": "magnified"}, "scheme 'magnified' needs one, with its band"),
        ({"magnification": Magnification(5, 0.1, 0.2)}, "scheme is 'arp'.* no other scheme takes one"),
        ({"scheme": "motion_ranked", "reversal": "sign"}, "ranks a falling phase as falling"),
        ({"scheme": "motion_ranked", "motion": [1, 2, 3]}, "a finite number for each of 7 frames"),
        ({"scheme": "motion_ranked", "motion": [1, 2, 3, 4, 5, 6, np.nan]}, "a finite number for each of 7 frames"),
        ({"scheme": "motion_ranked", "motion": "1234567"}, "^motion: found a str"),
        ({"temporal_length": 0}, "temporal_length is 0; expected an integer of at least 2"),
        ({"temporal_length": 1}, "temporal_length is 1; expected an integer of at least 2"),
        ({"temporal_length": 2.5}, "expected an integer of at least 2"),
        ({"scheme": ["arp"]}, "scheme is .'arp'.; expected one of"),
        ({"n_frames": 0}, "n_frames is 0"),
        ({"onset_phase": range(0)}, r"the onset phase is range\(0, 0\)"),
        ({"onset_phase": range(-1, 2)}, "the onset phase is"),
        ({"onset_phase": range(0, 6, 2)}, "the onset phase is"),
        ({"offset_phase": range(3, 8)}, r"the offset phase is range\(3, 8\).*within range\(0, 7\)"),
    ],
)
def test_what_makes_no_phase_weights(arguments, message):
    good = {"n_frames": 7, "onset_phase": range(4), "offset_phase": range(3, 7)}
    with pytest.raises(InputError, match=message):
        phase_weights(**{**good, **arguments})
