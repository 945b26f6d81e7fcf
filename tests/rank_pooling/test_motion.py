import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mer_di.errors import InputError
from mer_di.rank_pooling import motion_intensity

kinds = st.sampled_from([np.uint8, np.uint16, np.int16, np.int32])
clips = st.tuples(kinds, st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))).flatmap(
    lambda drawn: hnp.arrays(*drawn)
)


@given(clips)
def test_the_motion_of_a_frame_is_its_difference_from_the_first_counted_exactly(frames):
    """Where 8 bits wrap around, or 32 overflow, the sum would be another."""
    expected = [sum(abs(int(a) - int(b)) for a, b in zip(f.flat, frames[0].flat, strict=True)) for f in frames]
    found = motion_intensity(iter(frames))
    assert found.tolist() == expected
    assert found.dtype == np.int64


def test_floats_keep_their_fractions():
    assert motion_intensity([[[0.5]], [[0.25]]]).tolist() == [0, 0.25]


def test_frames_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"frame 1 \(0-based\) has shape \(3,\)"):
        motion_intensity([[1, 2], [1, 2, 3]])


@pytest.mark.parametrize("frames", [5, ["a", "b"]])
def test_what_is_no_frame_is_refused_by_the_name_of_the_argument(frames):
    with pytest.raises(InputError, match=r"^frames: found a"):
        motion_intensity(frames)
