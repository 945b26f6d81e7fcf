import shutil

import h5py
import pytest
from tiny_build import SIZE

from mer_di.cache import open_cache
from mer_di.errors import CacheError


def test_reading_by_name(cache_path):
    with open_cache(cache_path) as cache:
        assert len(cache) == 6
        assert cache.images("full").shape == (6, SIZE, SIZE, 3)
        assert cache.attributes["format_version"] == 1
        assert [row["sample_id"] for row in cache.rows("samples")] == cache.column("sample_id").tolist()
        for wrong in (lambda: cache.images("apex"), lambda: cache.key_frames("full"), lambda: cache.column("age")):
            with pytest.raises(CacheError, match="onset"):
                wrong()


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
