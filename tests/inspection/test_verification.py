"""A cache held against its own format, and against its frames."""

import re

import cv2
import h5py
import numpy as np
import pytest
from tiny_build import load

from mer_di.cache import open_cache
from mer_di.errors import CacheError
from mer_di.inspection.verification import departures, recomputed
from mer_di.recipe import METHOD


def problems(path):
    with open_cache(path) as cache:
        return "\n".join(departures(cache))


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
        (lambda f: f.__delitem__("frames/apex"), "/frames/apex is missing"),
        (lambda f: f.__delitem__("samples/apex"), "/samples/apex is missing"),
        (lambda f: f.attrs.__delitem__("dataset"), "attribute dataset is missing"),
    ],
)
def test_verification_names_what_is_wrong(cache_path, spoil, said):
    assert problems(cache_path) == ""
    with h5py.File(cache_path, "r+") as file:
        spoil(file)
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


def test_recomputation_repeats_the_pixels(built, tiny):
    assert recomputed(built, load(tiny), 6) == []


def test_recomputation_sees_a_changed_frame(built, tiny):
    frame = tiny.table.parent / "s2" / "b" / "img3.png"
    image = cv2.imread(str(frame))
    image[:] = 255 - image
    cv2.imwrite(str(frame), image)
    (line,) = recomputed(built, load(tiny), 6)
    assert line.startswith("s2/b: differs from its frames in di/onset by up to")


def test_recomputation_refuses_another_database(built, tiny):
    tiny.rows[0]["apex"] = 4
    tiny.write_table()
    with pytest.raises(CacheError, match="annotation_sha256"):
        recomputed(built, load(tiny), 1)


def test_pixels_of_another_method_cannot_be_repeated(built, tiny, monkeypatch):
    monkeypatch.setattr("mer_di.recipe.METHOD", METHOD + 1)
    with pytest.raises(CacheError, match=f"of method {METHOD}, and this mer_di computes by method {METHOD + 1}"):
        recomputed(built, load(tiny), 1)
