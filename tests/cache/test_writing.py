import errno

import h5py
import numpy as np
import pytest

from mer_di.cache import CachedClip, Provenance, write_cache, writing
from mer_di.recipe import Recipe


def test_a_disk_that_fails_meanwhile_is_not_forgotten(cache_path, tiny, monkeypatch):
    """The system tells of an error once: what is written at the end may then go well."""
    before, fails = cache_path.read_bytes(), iter([True, False, False, False])

    def fsync(_):
        if next(fails):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(writing, "CLIPS_A_SYNC", 2)
    monkeypatch.setattr(writing.os, "fsync", fsync)
    clips = [CachedClip({}, 25.0, np.zeros((3, 4, 4, 3), "f4"), np.zeros((3, 4, 4, 3), "u1"), np.eye(2, 3))] * 5
    provenance = Provenance("manifest", "0" * 64, "", Recipe(align="none", aspect="stretch", size=4))
    with pytest.raises(OSError, match="Input/output"):
        write_cache(cache_path, provenance, 5, clips, {})
    assert cache_path.read_bytes() == before
    assert not cache_path.with_name(f".{cache_path.name}.tmp").exists()


def test_plain_h5py_reads_it(cache_path):
    with h5py.File(cache_path) as file:
        assert file["di/onset"].dtype == np.float32
        assert file["frames/apex"].dtype == np.uint8
        assert file["samples/sample_id"].asstr()[0] == "s1/a"
        assert [*file["samples"].attrs["classes"]] == ["happiness", "surprise"]
