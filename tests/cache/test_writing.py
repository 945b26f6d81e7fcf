import os

import h5py
import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import Provenance, Rows, draft_cache, make_cache, put_in_place, write_cache, writing
from mer_di.cache.sparse import Sparse
from mer_di.recipe import Recipe

PROVENANCE = Provenance("manifest", "0" * 64, "", Recipe(align="none", aspect="stretch", size=4))


def test_plain_h5py_reads_it(cache_path):
    with h5py.File(cache_path) as file:
        assert file["di/onset"].dtype == np.float32
        assert file["frames/apex"].dtype == np.uint8
        assert file["samples/sample_id"].asstr()[0] == "s1/a"
        assert [*file["samples"].attrs["classes"]] == ["happiness", "surprise"]


def test_the_same_arguments_make_the_same_bytes(tmp_path):
    one, other = (write_tiny_cache(tmp_path / name, size=8).read_bytes() for name in ("one.h5", "other.h5"))
    assert one == other


def test_a_disk_that_fails_leaves_the_former_cache_and_nothing_else(cache_path, monkeypatch):
    def failing(_):
        raise OSError(5, "Input/output error")

    before = cache_path.read_bytes()
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        write_cache(cache_path, PROVENANCE, [], {})
    assert cache_path.read_bytes() == before
    assert not cache_path.with_name(f".{cache_path.name}.tmp").exists()


def test_a_cache_is_on_the_disk_before_it_has_its_name_and_so_is_its_name(tmp_path, monkeypatch):
    order = []
    fsync, rename = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: order.append("sync") or fsync(descriptor))
    monkeypatch.setattr(type(tmp_path), "replace", lambda a, b: order.append("rename") or rename(a, b))
    make_cache(tmp_path / "aside", PROVENANCE, [], {})
    put_in_place(tmp_path / "aside", tmp_path / "cache.h5")
    assert order == ["sync", "rename", "sync"]


def test_empty_tables_are_chunked_because_h5repack_stumbles_over_others(tmp_path):
    with h5py.File(write_tiny_cache(tmp_path / "cache.h5")) as file:
        for name in ("corrections/why", "dropped/reason"):
            assert file[name].shape == (0,)
            assert file[name].chunks == (1,)


def test_a_draft_is_laid_out_around_rows_that_are_there(tmp_path):
    path, entries = write_tiny_cache(tmp_path / "cache.h5", size=8), []
    draft = draft_cache(PROVENANCE, entries, {"s/a": "frame-gap: a frame is missing"})
    assert not draft.stands_in(path)
    draft.lay_out(path)
    assert draft.stands_in(path)
    taken = Rows.of(write_tiny_cache(tmp_path / "whole.h5", size=8))
    assert min(taken.offsets.values()) > 0
    assert sum(len(piece) for _, piece in draft.pieces) == draft.rows.end


def test_hdf5_meets_no_disk(tmp_path, monkeypatch):
    """It dies on some that are full."""
    opened, file = [], h5py.File
    monkeypatch.setattr(
        writing.h5py, "File", lambda place, *rest, **more: opened.append(place) or file(place, *rest, **more)
    )
    write_tiny_cache(tmp_path / "cache.h5", size=8)
    assert [type(place) for place in opened] == [Sparse]
