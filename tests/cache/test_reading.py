import shutil

import h5py
import pytest
from tiny_build import SIZE
from tiny_cache import write_tiny_cache

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


def test_flow_is_read_where_there_is_any(cache_path, tmp_path):
    with open_cache(write_tiny_cache(tmp_path / "c.h5", flow="ilk")) as cache:
        assert cache.streams == ("onset", "offset", "full", "flow_onset", "flow_offset")
        assert cache.images("flow_offset").shape == cache.images("offset").shape
        with pytest.raises(CacheError, match=r"'flow' does not exist; expected one of .* flow_offset"):
            cache.images("flow")
    with open_cache(cache_path) as cache, pytest.raises(CacheError, match=r"without optical flow; .* --flow"):
        cache.images("flow_onset")


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


def _by_an_external_file(file, shape, kind):
    file.create_dataset("di/onset", shape, kind, external=[("elsewhere", 0, h5py.h5f.UNLIMITED)])


def _by_a_virtual_dataset(file, shape, kind):
    layout = h5py.VirtualLayout(shape, kind)
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", shape)
    file.create_virtual_dataset("di/onset", layout)


def _by_an_external_link(file, shape, kind):
    file["di/onset"] = h5py.ExternalLink("elsewhere.h5", "/x")


def _by_a_soft_link(file, shape, kind):
    file["di/onset"] = h5py.SoftLink("/di/full")


def _by_a_second_name(file, shape, kind):
    file["di/onset"] = file["di/full"]


@pytest.fixture(
    params=[_by_an_external_file, _by_a_virtual_dataset, _by_an_external_link, _by_a_soft_link, _by_a_second_name]
)
def lead(request):
    return request.param


def test_a_cache_that_leads_elsewhere_is_refused(cache_path, lead):
    with h5py.File(cache_path, "r+") as file:
        images = file["di/onset"]
        shape, kind = images.shape, images.dtype
        del file["di/onset"]
        lead(file, shape, kind)
    with pytest.raises(CacheError, match="does not hold di/onset itself"):
        open_cache(cache_path)


def test_images_that_a_truncation_took_are_said_when_they_are_read(tmp_path):
    path = write_tiny_cache(tmp_path / "cut.h5")
    with h5py.File(path, "r+") as file:
        images = file["di/onset"][:]
        del file["di/onset"]
        file.create_dataset("di/onset", data=images, chunks=(1, *images.shape[1:]), compression="gzip", fletcher32=True)
        chunk = file["di/onset"].id.get_chunk_info(2)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(bytes(chunk.size))
    with open_cache(path) as cache:
        cache.images("onset")[1]
        with pytest.raises(CacheError, match=r"cut\.h5 .*damaged"):
            cache.images("onset")[2]


def test_columns_that_are_no_text_are_said_when_they_are_read(cache_path):
    with h5py.File(cache_path, "r+") as file:
        file["samples/action_units"][0] = b"\xff\xfe"
    with open_cache(cache_path) as cache:
        with pytest.raises(CacheError, match="damaged"):
            cache.column("action_units")
        with pytest.raises(CacheError, match="damaged"):
            list(cache.rows("samples"))


def test_what_others_have_added_is_no_fault(cache_path):
    with h5py.File(cache_path, "r+") as file:
        file.attrs["note"], file.attrs["numbers"] = "mine", [1, 2]
        file["samples/age"] = range(6)
        file["samples/loop"] = file["/"]
        file["mine/anything"] = "here"
    with open_cache(cache_path) as cache:
        assert cache.attributes["note"] == "mine"
        assert "numbers" not in cache.attributes
        assert cache.column("age").tolist() == list(range(6))
        assert next(cache.rows("samples"))["age"] == 0


def test_a_cache_without_key_frames_says_so_when_asked_for_them(cache_path):
    with h5py.File(cache_path, "r+") as file:
        del file["frames"]
    with open_cache(cache_path) as cache, pytest.raises(CacheError, match="built without key frames"):
        cache.key_frames("apex")
