import errno
import shutil

import h5py
import numpy as np
import pytest

import mer_di
from mer_di.building.build import build_cache
from mer_di.cache import CachedClip, Provenance, open_cache, write_cache, writing
from mer_di.errors import CacheError
from mer_di.inspection.verification import departures
from mer_di.recipe import Recipe


@pytest.fixture
def cache_path(tiny, tmp_path):
    recipe = Recipe(align="none", aspect="stretch", size=12)
    return build_cache(mer_di.load_dataset("manifest", tiny.table), tmp_path / "tiny.h5", recipe).path


def problems(path):
    with open_cache(path) as cache:
        return "\n".join(departures(cache))


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


def test_reading_by_name(cache_path):
    with open_cache(cache_path) as cache:
        assert len(cache) == 6
        assert cache.images("full").shape == (6, 12, 12, 3)
        assert cache.attributes["format_version"] == 1
        assert [row["sample_id"] for row in cache.rows("samples")] == cache.column("sample_id").tolist()
        for wrong in (lambda: cache.images("apex"), lambda: cache.key_frames("full"), lambda: cache.column("age")):
            with pytest.raises(CacheError, match="onset"):
                wrong()


def test_plain_h5py_reads_it(cache_path):
    with h5py.File(cache_path) as file:
        assert file["di/onset"].dtype == np.float32
        assert file["frames/apex"].dtype == np.uint8
        assert file["samples/sample_id"].asstr()[0] == "s1/a"
        assert [*file["samples"].attrs["classes"]] == ["happiness", "surprise"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: f["samples/label"].__setitem__(0, 1), "label does not index the classes"),
        (lambda f: f["samples/label"].__setitem__(0, 7), "label holds values that index no class"),
        (lambda f: f["di/onset"].__setitem__((2, 0, 0, 0), np.nan), r"/di/onset\[2\] has values that are not finite"),
        (lambda f: f.attrs.__setitem__("recipe_sha256", "0" * 64), "recipe_sha256 is 0000"),
        (lambda f: f.attrs.__setitem__("recipe", f.attrs["recipe"].replace(":", ": ")), "not canonical"),
        (lambda f: f["samples/sample_id"].__setitem__(0, "s9/z"), "not sorted and unique"),
        (lambda f: f["samples/apex"].__setitem__(0, 100), "s1/a: onset, apex, offset are not in order"),
        (lambda f: f["samples/onset_length"].__setitem__(0, 3), "s1/a: phase lengths do not fit"),
        (lambda f: f.__delitem__("di/full"), "/di/full is missing"),
        (lambda f: f.__delitem__("samples/apex"), "/samples/apex is missing"),
        (lambda f: f.attrs.__delitem__("dataset"), "attribute dataset is missing"),
    ],
)
def test_verification_names_what_is_wrong(cache_path, spoil, said):
    assert problems(cache_path) == ""
    with h5py.File(cache_path, "r+") as file:
        spoil(file)
    import re

    assert re.search(said, problems(cache_path))


def test_a_third_party_filter_is_named(cache_path):
    with h5py.File(cache_path, "r+") as file:
        data = file["di/onset"][:]
        del file["di/onset"]
        file.create_dataset("di/onset", data=data, compression="lzf")
    assert "needs filter 32000" in problems(cache_path)


def test_a_sample_kept_and_dropped_is_named(cache_path):
    with h5py.File(cache_path, "r+") as file:
        del file["dropped"]
        for name, value in (("sample_id", "s1/a"), ("reason", "apex-missing: none")):
            file.create_dataset(f"dropped/{name}", data=[value], dtype=h5py.string_dtype())
    assert "s1/a is both kept and dropped" in problems(cache_path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path, cache: path.write_bytes(b"not HDF5"), "no readable HDF5 file"),
        (lambda path, cache: path.write_bytes(cache.read_bytes()[:5000]), "truncated"),
        (lambda path, cache: h5py.File(path, "w").close(), "no mer_di cache"),
        (lambda path, cache: None, "is not a file"),
    ],
)
def test_what_is_no_cache_is_said_in_a_sentence(cache_path, tmp_path, make, said):
    other = tmp_path / "other.h5"
    make(other, cache_path)
    with pytest.raises(CacheError, match=said):
        open_cache(other)


def test_a_newer_format_asks_for_a_newer_version(cache_path, tmp_path):
    newer = tmp_path / "newer.h5"
    shutil.copy(cache_path, newer)
    with h5py.File(newer, "r+") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(CacheError, match=r"format 2.*Upgrade"):
        open_cache(newer)


def test_a_cache_without_its_groups_is_damaged(cache_path):
    with h5py.File(cache_path, "r+") as file:
        del file["samples"]
    with pytest.raises(CacheError, match="samples is missing"):
        open_cache(cache_path)
