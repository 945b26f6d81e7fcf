import os

import h5py
import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import Provenance, make_cache, put_in_place, write_cache
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
