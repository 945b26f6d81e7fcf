"""Where a cache is to stand: what is there is no stranger's, and what the machine refuses is told in words."""

import errno
import os

import h5py
import pytest
from tiny_build import load, plain

from mer_di import build_cache
from mer_di.building.destination import in_words, require_replaceable, sole_writer
from mer_di.errors import CacheError, InputError


def test_a_strangers_hdf5_file_is_never_replaced(tiny, tmp_path):
    theirs = tmp_path / "thesis.h5"
    with h5py.File(theirs, "w") as file:
        file["thesis"] = [1, 2, 3]
    before = theirs.read_bytes()
    for overwrite in (False, True):
        with pytest.raises(CacheError, match=r"thesis\.h5 is no cache, and not touched"):
            build_cache(load(tiny), theirs, plain(), overwrite=overwrite)
    assert theirs.read_bytes() == before


def test_not_even_while_a_stranger_writes_to_it(tmp_path):
    with h5py.File(tmp_path / "thesis.h5", "w") as file:
        file["thesis"] = [1, 2, 3]
        file.flush()
        with pytest.raises(CacheError, match="no cache"):
            require_replaceable(tmp_path / "thesis.h5")


def test_nor_what_is_left_of_it(tmp_path):
    with h5py.File(tmp_path / "thesis.h5", "w") as file:
        file["thesis"] = [1, 2, 3]
    (tmp_path / "thesis.h5").write_bytes((tmp_path / "thesis.h5").read_bytes()[:-100])
    with pytest.raises(CacheError, match="no cache"):
        require_replaceable(tmp_path / "thesis.h5")


@pytest.mark.parametrize("left", [0, 5000, -1])
def test_what_is_left_of_a_cache_may_be_replaced(built, tiny, left):
    built.close()
    whole = built.path.read_bytes()
    built.path.write_bytes(whole[:left])
    with pytest.raises(CacheError, match="no readable HDF5 file"):
        build_cache(load(tiny), built.path, plain())
    build_cache(load(tiny), built.path, plain(), overwrite=True)
    assert built.path.read_bytes() == whole


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_that_leads_to_itself_stays_one(tiny, tmp_path, overwrite):
    (tmp_path / "cache.h5").symlink_to("cache.h5")
    with pytest.raises(CacheError, match=r"cache\.h5 is no regular file"):
        build_cache(load(tiny), tmp_path / "cache.h5", plain(), overwrite=overwrite)
    assert (tmp_path / "cache.h5").is_symlink()


def test_a_file_where_a_folder_should_be_is_called_one(tiny, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"the folder .*file is a file"):
        build_cache(load(tiny), tmp_path / "file" / "cache.h5", plain())


@pytest.mark.parametrize("name", [".cache.h5.lock", ".cache.h5.unfinished.tmp", "cache.h5.unfinished", "cache.h5"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_in_the_way_is_named(tiny, tmp_path, name, overwrite):
    (tmp_path / name).mkdir()
    with pytest.raises(CacheError, match=f"(Is a directory: .*{name}|{name} is no regular file)"):
        build_cache(load(tiny), tmp_path / "cache.h5", plain(), overwrite=overwrite)
    assert (tmp_path / name).is_dir()


def test_a_name_that_is_too_long_is_told(tiny, tmp_path):
    with pytest.raises(CacheError, match="stopped: File name too long"):
        build_cache(load(tiny), tmp_path / f"{'n' * 245}.h5", plain())


@pytest.mark.parametrize("number", [errno.EROFS, errno.EBUSY, errno.ENAMETOOLONG, errno.EMFILE, errno.ENOLCK])
def test_what_the_machine_refuses_is_told_in_words(tmp_path, number):
    with pytest.raises(CacheError, match=f"stopped: {os.strerror(number)}: a.h5. Mend it and try again"):  # noqa: SIM117
        with in_words(tmp_path / "c.h5", tmp_path / "c.h5.unfinished"):
            raise OSError(number, os.strerror(number), "a.h5")


def test_finished_samples_are_pointed_to(tmp_path):
    (tmp_path / "kept").touch()
    with (
        pytest.raises(CacheError, match=r"out of memory.*kept in .*resume"),
        in_words(tmp_path / "c", tmp_path / "kept"),
    ):
        raise MemoryError


@pytest.mark.parametrize("error", [InputError("no such scheme"), BrokenPipeError(errno.EPIPE, "nobody listens")])
def test_what_is_told_already_stays_as_it_is(tmp_path, error):
    with pytest.raises(type(error)), in_words(tmp_path / "c", tmp_path / "c"):
        raise error


def test_the_lock_is_gone_afterwards_whatever_ends_the_build(tmp_path):
    with pytest.raises(KeyboardInterrupt), sole_writer(tmp_path / "c.h5"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_an_older_version_is_told_and_stays(tiny, tmp_path):
    parts = tmp_path / "cache.h5.parts"
    parts.mkdir()
    (parts / "s1.npy").touch()
    report = build_cache(load(tiny), tmp_path / "cache.h5", plain())
    assert len(report.remarks) == 1
    assert f"{parts} is left from an interrupted build of an older mer_di" in report.remarks[0]
    assert (parts / "s1.npy").exists()
