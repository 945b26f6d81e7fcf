"""Rows that are written where they belong, and that know whether they are whole."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_cache import write_tiny_cache

from mer_di.cache import RenderedClip, Rows, open_cache
from mer_di.cache.rows import row_fields
from mer_di.errors import CacheError

SIZE = 12


def clip(seed, *, flow=False):
    rng = np.random.default_rng(seed)
    di = rng.normal(0, 1e5, (3, SIZE, SIZE, 3)).astype(np.float32)
    frames = rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    size = tuple(rng.integers(1, 5000, 2).tolist())
    moved = rng.normal(0, 1, (2, SIZE, SIZE, 3)).astype(np.float32) if flow else None
    return RenderedClip(di, frames, rng.normal(0, 9, (2, 3)), size, f"{seed:032x}", moved)


def assert_equal(a, b):
    for name in ("di", "frames", "transform", "flow"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.frame_size, a.frames_digest) == (b.frame_size, b.frames_digest)


def ids(rows):
    with open_cache(rows.path) as cache:
        return cache.column("sample_id").tolist()


@pytest.fixture
def rows(tmp_path):
    return Rows.of(write_tiny_cache(tmp_path / "cache.h5", subjects=5, clips=4, size=SIZE))


def test_rows_in_any_order_from_several_threads_are_what_h5py_reads(rows):
    clips, places = [clip(seed) for seed in range(20)], np.random.default_rng(0).permutation(20).tolist()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(rows.write, places, [ids(rows)[place] for place in places], clips))
    order = np.argsort(places)
    with open_cache(rows.path) as cache:
        for number, stream in enumerate(("onset", "offset", "full")):
            np.testing.assert_array_equal(cache.images(stream)[:], [clips[i].di[number] for i in order])
        for number, name in enumerate(("onset", "apex", "offset")):
            np.testing.assert_array_equal(cache.key_frames(name)[:], [clips[i].frames[number] for i in order])
        np.testing.assert_array_equal(cache.column("transform"), [clips[i].transform for i in order])
        assert cache.column("frame_height").tolist() == [clips[i].frame_size[0] for i in order]
        assert cache.column("frame_width").tolist() == [clips[i].frame_size[1] for i in order]
        assert cache.column("frames_digest").tolist() == [clips[i].frames_digest for i in order]


def test_a_row_reads_back_as_it_was_written_and_its_neighbours_are_untouched(rows):
    names = ids(rows)
    before, after = rows.read(6, names[6]), rows.read(8, names[8])
    assert rows.write(7, names[7], clip(1)) == rows.digest(7)
    assert_equal(rows.read(7, names[7]), clip(1))
    assert_equal(rows.read(6, names[6]), before)
    assert_equal(rows.read(8, names[8]), after)


def test_a_row_with_flow_holds_it_in_places_of_its_own(tmp_path):
    rows = Rows.of(write_tiny_cache(tmp_path / "cache.h5", subjects=2, clips=2, size=SIZE, flow="dis"))
    name, written = ids(rows)[2], clip(1, flow=True)
    rows.write(2, name, written)
    assert_equal(rows.read(2, name), written)
    with open_cache(rows.path) as cache:
        for number, stream in enumerate(("flow_onset", "flow_offset")):
            np.testing.assert_array_equal(cache.images(stream)[2], written.flow[number])
    changed = replace(written, flow=written.flow + np.float32(1e-3))
    rows.write(2, name, changed)
    with rows.path.open("r+b") as file:
        file.seek(rows.offsets["flow/offset"] + 2 * written.flow[1].nbytes)
        file.write(written.flow[1].tobytes())
    assert rows.read(2, name) is None


def test_a_row_of_another_sample_table_or_recipe_is_not_there(rows):
    name = ids(rows)[7]
    rows.write(7, "somebody/else", clip(1))
    assert rows.read(7, name) is None
    replace(rows, origin="another recipe").write(7, name, clip(1))
    assert rows.read(7, name) is None


def test_images_of_one_channel_that_stand_for_three_are_written_as_three(rows):
    grey = np.broadcast_to(np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE, 1), (SIZE, SIZE, 3))
    shown = clip(2)
    rows.write(0, "s", RenderedClip(shown.di, np.stack([grey] * 3), shown.transform, (1, 2), "x"))
    np.testing.assert_array_equal(rows.read(0, "s").frames[1], grey)


@settings(max_examples=60)
@given(field=st.sampled_from([*row_fields(SIZE)]), place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_one_flipped_bit_and_the_row_is_not_there(tmp_path_factory, field, place, bit):
    path = write_tiny_cache(tmp_path_factory.mktemp("flip") / "cache.h5", subjects=2, clips=2, size=SIZE)
    rows = Rows.of(path)
    names = ids(rows)
    entry = row_fields(SIZE)[field].itemsize
    content = bytearray(path.read_bytes())
    content[rows.offsets[field] + 2 * entry + place % entry] ^= 1 << bit
    path.write_bytes(content)
    assert [rows.read(index, names[index]) is None for index in range(4)] == [False, False, True, False]


def test_a_row_that_nobody_wrote_is_not_there(rows):
    name = ids(rows)[3]
    with rows.path.open("r+b") as file:
        file.seek(rows.offsets["samples/row_digest"] + 3 * 32)
        file.write(bytes(32))
    assert rows.read(3, name) is None
    with pytest.raises(CacheError, match="is unfinished: 1 of its rows"):
        open_cache(rows.path)


def test_a_cache_without_digests_has_no_rows(tmp_path):
    import h5py

    path = write_tiny_cache(tmp_path / "cache.h5", size=SIZE)
    with h5py.File(path, "r+") as file:
        del file["samples/row_digest"]
    assert Rows.of(path) is None


def test_only_who_has_the_key_of_the_build_writes(rows):
    name = ids(rows)[3]
    before = rows.read(3, name)
    with rows.path.open("ab") as file:
        file.write(bytes(16) + b"and a note")
    for stranger in (rows, replace(rows, key=b"1" * 16), replace(rows, end=rows.end - 16, key=b"1" * 16)):
        with pytest.raises(CacheError, match="do not see the same files, or another build has begun"):
            stranger.write(3, name, clip(1))
    assert_equal(rows.read(3, name), before)
    replace(rows, key=bytes(16)).write(3, name, clip(1))
    assert_equal(rows.read(3, name), clip(1))


def test_a_worker_that_does_not_see_the_file_says_so(rows, tmp_path):
    with pytest.raises(CacheError, match="do not see the same files"):
        replace(rows, path=tmp_path / "elsewhere.h5").write(0, "s", clip(1))
    assert not (tmp_path / "elsewhere.h5").exists()
