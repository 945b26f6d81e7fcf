"""A file in memory that HDF5 writes to."""

import io

from hypothesis import given
from hypothesis import strategies as st

from mer_di.cache.sparse import Sparse

PLACES = st.integers(0, 20_000)
STEPS = st.one_of(
    st.tuples(st.just("write"), PLACES, st.binary(max_size=9_000)),
    st.tuples(st.just("read"), PLACES, st.integers(0, 9_000)),
)


@given(st.lists(STEPS, max_size=12))
def test_it_holds_what_any_file_holds(steps):
    sparse, plain = Sparse(), io.BytesIO(bytes(40_000))
    for kind, place, value in steps:
        assert sparse.seek(place) == plain.seek(place)
        if kind == "write":
            assert sparse.write(value) == plain.write(value)
        else:
            found = bytearray(value)
            assert sparse.readinto(found) == value
            assert bytes(found) == plain.read(value)
        assert sparse.tell() == plain.tell()
    assert sparse.part(0, 40_000) == plain.getvalue()


def test_it_is_as_long_as_what_was_written_or_as_it_is_told_to_be():
    sparse = Sparse()
    sparse.seek(10**15)
    sparse.write(b"abc")
    assert sparse.seek(0, io.SEEK_END) == 10**15 + 3
    sparse.truncate(10)
    assert sparse.seek(-4, io.SEEK_END) == 6
    assert sparse.part(0, 10) == bytes(10)
