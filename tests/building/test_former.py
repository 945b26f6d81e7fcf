"""A build over a complete cache."""

import h5py
import pytest
from tiny_build import load, plain

from mer_di import build_cache
from mer_di.building import former
from mer_di.errors import CacheError


@pytest.fixture
def changed(built, tiny):
    """Change the cache of the tiny database, build over it and see it unchanged."""

    def changed(change, match):
        built.close()
        with h5py.File(built.path, "r+") as file:
            change(file)
        before = built.path.read_bytes()
        with pytest.raises(CacheError, match=match):
            build_cache(load(tiny), built.path, plain())
        assert built.path.read_bytes() == before
        assert build_cache(load(tiny), built.path, plain(), overwrite=True).kept == 6

    return changed


def test_a_cache_of_before_rows_had_digests_is_left_as_it_is(changed):
    def older(file):
        del file["samples/row_digest"], file["samples/frames_digest"]

    changed(older, "written by an older mer_di or packed anew.*--overwrite")


def test_so_is_one_that_was_compressed(changed):
    def packed(file):
        images = file["di/full"][:]
        del file["di/full"]
        file.create_dataset("di/full", data=images, compression="gzip")

    changed(packed, "written by an older mer_di or packed anew.*--overwrite")


@pytest.mark.parametrize("recipe", ["{", "[1]", "3"])
def test_a_recipe_that_is_none_is_a_damage(changed, recipe):
    changed(lambda file: file.attrs.__setitem__("recipe", recipe), r"is damaged: .*--overwrite")


def test_a_table_that_contradicts_itself_is_a_damage(changed):
    def cut(file):
        del file["samples/onset"]
        file["samples/onset"] = [1, 2]

    changed(cut, "is damaged: .*--overwrite")


@pytest.mark.parametrize(
    ("name", "value"), [("samples/fps", 7), ("samples/label", 0), ("samples/action_units", "AU99")]
)
def test_a_cell_that_was_changed_is_a_damage(changed, name, value):
    changed(lambda file: file[name].__setitem__(-1, value), r"a table that is not what was written: .*--overwrite")


def test_it_is_opened_once(built, tiny, monkeypatch):
    opened, open_cache = [], former.open_cache
    monkeypatch.setattr(former, "open_cache", lambda path: opened.append(path) or open_cache(path))
    assert build_cache(load(tiny), built.path, plain()).already_complete
    assert opened == [built.path]
