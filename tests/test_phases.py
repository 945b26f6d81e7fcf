import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_di.errors import InputError, SampleError
from mer_di.phases import APEX_IN, APEX_POLICIES, apexes, key_frames, split
from mer_di.sample import Sample


def sample(onset, apex, offset, unread=(), path=None):
    return Sample("manifest", "s1", "c1", onset, apex, offset, "happiness", unread=unread, path=path)


@given(st.integers(0, 50), st.integers(2, 40), st.integers(2, 40))
def test_the_phases_cover_the_clip_and_meet_at_the_apex(onset, rise, fall):
    apex, offset = onset + rise, onset + rise + fall
    rising, fading = split(onset, apex, offset)
    assert (rising[0], rising[-1], fading[0], fading[-1]) == (onset, apex, apex, offset)
    for apex_in in ("onset", "offset"):
        rising, fading = split(onset, apex, offset, apex_in=apex_in)
        assert [*rising, *fading] == list(range(onset, offset + 1))
        assert apex in (rising if apex_in == "onset" else fading)


@pytest.mark.parametrize(("onset", "apex", "offset"), [(69, 69, 123), (141, 181, 181), (5, 4, 9), (5, 10, 9)])
def test_a_split_that_leaves_no_motion_is_refused(onset, apex, offset):
    with pytest.raises(InputError, match=r"apex"):
        split(onset, apex, offset)


@pytest.mark.parametrize("apex_in", APEX_IN)
@given(onset=st.integers(-3, 3), length=st.integers(1, 9))
def test_apexes_are_the_frames_at_which_a_clip_can_be_split(apex_in, onset, length):
    offset, found = onset + length - 1, []
    for apex in range(onset - 2, offset + 3):
        with contextlib.suppress(InputError):
            split(onset, apex, offset, apex_in=apex_in)
            found.append(apex)
    assert list(apexes(onset, offset, apex_in=apex_in)) == found
    if apex_in == "both":
        assert list(apexes(onset, offset)) == found


def test_a_phase_without_the_apex_needs_a_frame_more():
    split(1, 2, 3)
    with pytest.raises(InputError, match="apex→offset has 1 frame"):
        split(1, 2, 3, apex_in="onset")
    with pytest.raises(InputError, match="onset→apex has 1 frame"):
        split(1, 2, 3, apex_in="offset")


@pytest.mark.parametrize(
    ("row", "kind", "midpoint"),
    [
        (sample(261, None, 321, (("apex", "/"),)), "apex-missing", 291),
        (sample(69, 69, 123), "phase-too-short", 96),
        (sample(141, 181, 181), "phase-too-short", 161),
        (sample(4896, 1930, 4970), "apex-outside", 4933),
        (sample(1071, 1143, 1134), "apex-outside", 1102),
    ],
)
def test_an_unusable_apex_drops_the_sample_or_becomes_the_midpoint(row, kind, midpoint):
    with pytest.raises(SampleError) as dropped:
        key_frames(row)
    assert dropped.value.kind == kind
    for policy in ("midpoint", "spot"):
        assert key_frames(row, policy) == (row.onset, midpoint, row.offset)


def test_a_usable_apex_is_left_alone_by_every_policy():
    for policy in APEX_POLICIES:
        assert key_frames(sample(15, 49, 68), policy) == (15, 49, 68)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (sample(None, 5, 9, (("onset", "?"),)), "onset-missing"),
        (sample(1, 5, None, (("offset", ""),)), "offset-missing"),
        (sample(9, 8, 7), "offset-before-onset"),
        (sample(1, 5, 1_000_001), "clip-too-long"),
        (sample(7, None, 7), "phase-too-short"),
        (sample(7, None, 8), "phase-too-short"),
    ],
)
def test_no_policy_mends_what_is_not_the_apex(row, kind):
    with pytest.raises(SampleError) as dropped:
        key_frames(row, "midpoint")
    assert dropped.value.kind == kind


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (sample(None, 5, 9, (("onset", "?"),)), "the table's onset cell holds '\\?', no frame number"),
        (sample(None, 5, 9), "the table's onset cell holds '', no frame number"),
        (sample(1, 5, None, (("offset", "n/a"),)), "the table's offset cell holds 'n/a', no frame number"),
        (sample(1, 5, None), "the table's offset cell holds '', no frame number"),
        (sample(None, 5, 9, path=Path("clip")), "no table says it, nor do the numbers of frames in clip"),
        (sample(None, 5, 9, (("onset", "?"),), Path("clip")), "the table's onset cell holds '\\?', no frame number"),
        (sample(1, None, 9, (("apex", "/"),)), "the table's apex cell holds '/'; onset 1, offset 9"),
        (sample(1, None, 9), "the table has no apex column; onset 1, offset 9"),
        (sample(9, 8, 7), "onset 9, offset 7"),
        (sample(2, 5, 1_000_002), "onset 2, offset 1000002; expected at most 1000000 frames"),
        (sample(4896, 1930, 4970), "apex 1930 is not within onset..offset = 4896..4970"),
        (sample(69, 69, 123), "phase onset→apex has 1 frame.* with onset 69, apex 69, offset 123 .* at least 2 frames"),
        (sample(141, 181, 181), "phase apex→offset has 1 frame.* with onset 141, apex 181, offset 181 .*"),
    ],
)
def test_the_reason_says_what_the_table_holds(row, detail):
    with pytest.raises(SampleError, match=f"^[a-z-]+: {detail}$"):
        key_frames(row)


@pytest.mark.parametrize("onset", [0, 1, 2_000_000])
def test_a_clip_may_have_a_million_frames_wherever_its_numbering_begins(onset):
    numbers = (onset, onset + 5, onset + 999_999)
    assert key_frames(sample(*numbers)) == numbers


@pytest.mark.parametrize(
    ("apex_in", "missed"), [("onset", "apex→offset has 1 frame"), ("offset", "onset→apex has 1 frame")]
)
@pytest.mark.parametrize("policy", APEX_POLICIES)
def test_key_frames_are_those_that_the_same_split_accepts(policy, apex_in, missed):
    assert key_frames(sample(1, 2, 3), policy) == (1, 2, 3)
    with pytest.raises(SampleError, match=f"phase-too-short: phase {missed}"):
        key_frames(sample(1, 2, 3), policy, apex_in=apex_in)


def test_a_midpoint_is_taken_where_only_the_apex_is_short_of_a_frame():
    assert key_frames(sample(1, 2, 9), "midpoint", apex_in="offset") == (1, 5, 9)


def test_an_unknown_policy_is_a_usage_error():
    with pytest.raises(InputError, match=r"^apex policy is 'guess'; expected one of drop, midpoint, spot$"):
        key_frames(sample(1, 5, 9), "guess")


@pytest.mark.parametrize(("function", "frames"), [(split, (1, 5, 9)), (apexes, (1, 9))])
def test_an_unknown_place_of_the_apex_is_a_usage_error(function, frames):
    with pytest.raises(InputError, match=r"^apex_in is 'neither'; expected one of both, onset, offset$"):
        function(*frames, apex_in="neither")


@pytest.mark.parametrize("name", ["onset", "apex", "offset"])
def test_a_frame_number_that_is_none_is_refused_by_its_name(name):
    with pytest.raises(InputError, match=rf"^{name} is 2\.5; expected an integer$"):
        split(**{"onset": 1, "apex": 5, "offset": 9, name: 2.5})
