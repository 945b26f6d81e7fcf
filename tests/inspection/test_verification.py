"""A cache held against its own format, and against its frames."""

import hashlib
import re

import cv2
import h5py
import numpy as np
import pytest
from tiny_build import load, plain
from tiny_cache import write_tiny_cache

from mer_di.building.build import build_cache
from mer_di.cache import open_cache
from mer_di.errors import CacheError
from mer_di.inspection.verification import departures, recomputed, unchecked
from mer_di.recipe import METHOD


def problems(path):
    with open_cache(path) as cache:
        return "\n".join(departures(cache))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: f["samples/label"].__setitem__(0, 1), "s1/a: label does not index the classes"),
        (lambda f: f["samples"].attrs.__setitem__("classes", ["happiness"] * 2), "names a class twice"),
        (lambda f: f["di/onset"].__setitem__((2, 0, 0, 0), np.nan), r"/di/onset\[2\] has values that are not finite"),
        (lambda f: f["di/full"].__setitem__((1, 0, 0, 0), 1e9), r"/di/full\[1\] reaches 1e\+09; .* give at most"),
        (lambda f: f["samples/sample_id"].__setitem__(0, "s9/z"), "not sorted and unique"),
        (lambda f: f["samples/sample_id"].__setitem__(1, "s1/a"), "not sorted and unique"),
        (lambda f: f["samples/subject"].__setitem__(0, "s2"), "s1/a: sample_id is not subject/clip"),
        (lambda f: f["samples/apex"].__setitem__(0, 100), "s1/a: onset, apex, offset are not in order"),
        (lambda f: f["samples/onset_length"].__setitem__(0, 3), "s1/a: phase lengths do not fit"),
        (lambda f: f["samples/apex"].__setitem__(0, 4), "s1/a: phase lengths do not fit"),
        (lambda f: f["samples/fps"].__setitem__(0, -1), "s1/a: fps is not positive"),
        (lambda f: f["samples/frame_height"].__setitem__(0, 0), "s1/a: its frames have no size"),
        (
            lambda f: f["frames/apex"].__setitem__((2, 3, 3, 0), f["frames/apex"][2, 3, 3, 0] ^ 1),
            "s2/a: its row is not",
        ),
        (lambda f: f["di/offset"].__setitem__((2, 3, 3, 0), f["di/offset"][2, 3, 3, 0] + 1), "s2/a: its row is not"),
        (lambda f: f.__delitem__("frames"), "s1/a: its row is not"),
    ],
)
def test_verification_names_what_is_wrong(cache_path, spoil, said):
    assert problems(cache_path) == ""
    with h5py.File(cache_path, "r+") as file:
        spoil(file)
    assert re.search(said, problems(cache_path))


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.1])
def test_a_spotted_apex_has_a_confidence(tmp_path, value):
    path = write_tiny_cache(tmp_path / "spotted.h5", apex_policy="spot")
    assert problems(path) == ""
    with h5py.File(path, "r+") as file:
        file["samples/apex_confidence"][1] = value
    assert "s01/c1: apex_confidence is not within 0..1" in problems(path)


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, r"/flow/offset\[2\] has values that are not finite"), (0.5, "s01/c2: its row is not")]
)
def test_verification_reads_the_flow(tmp_path, value, said):
    path = write_tiny_cache(tmp_path / "flow.h5", flow="ilk")
    assert problems(path) == ""
    with h5py.File(path, "r+") as file:
        file["flow/offset"][2, 3, 3, 0] = value
    assert re.search(said, problems(path))


def test_several_events_of_a_recording_are_samples_of_their_own(tiny, tmp_path):
    tiny.rows.append(tiny.rows[0] | {"onset": 4, "apex": 6})
    tiny.write_table()
    assert problems(build_cache(load(tiny), tmp_path / "events.h5", plain()).path) == ""


def test_a_recipe_that_is_not_canonical_is_named(cache_path):
    with h5py.File(cache_path, "r+") as file:
        text = file.attrs["recipe"].replace(":", ": ")
        file.attrs["recipe"], file.attrs["recipe_sha256"] = text, hashlib.sha256(text.encode()).hexdigest()
    assert "recipe is not canonical JSON" in problems(cache_path)


def test_a_flipped_bit_anywhere_in_the_images_is_noticed(cache_path):
    whole = cache_path.read_bytes()
    with h5py.File(cache_path) as file:
        spans = [(data.id.get_offset(), data.nbytes) for group in ("di", "frames") for data in file[group].values()]
    rng = np.random.default_rng(0)
    for start, length in spans:
        damaged = bytearray(whole)
        damaged[start + int(rng.integers(length))] ^= 1 << int(rng.integers(8))
        cache_path.write_bytes(damaged)
        assert "its row is not what was written" in problems(cache_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples/emotion_written", "Disgust?"),
        ("samples/action_units", "AU99"),
        ("samples/objective_class", "VII"),
        ("samples/apex_source", "midpoint"),
        ("samples/fps", 99.0),
    ],
)
def test_a_cell_that_nothing_contradicts_is_noticed(cache_path, name, value):
    with h5py.File(cache_path, "r+") as file:
        file[name][1] = value
    assert "its table (attributes, classes" in problems(cache_path)


@pytest.mark.parametrize("name", ["dataset", "annotation_version", "mer_di_version", "min_class_size"])
def test_so_is_an_attribute(cache_path, name):
    with h5py.File(cache_path, "r+") as file:
        file.attrs[name] = 7 if name == "min_class_size" else "another"
    assert "its table (attributes, classes" in problems(cache_path)


def test_so_is_a_reason_to_drop(tmp_path, tiny):
    tiny.rows[0]["apex"] = 1
    tiny.write_table()
    path = build_cache(load(tiny), tmp_path / "dropping.h5", plain()).path
    with h5py.File(path, "r+") as file:
        file["dropped/reason"][0] = "clip-not-found: none"
    assert "its table (attributes, classes" in problems(path)


def test_a_text_that_is_none_is_named(cache_path):
    with h5py.File(cache_path, "r+") as file:
        file["samples/action_units"][0] = b"\xff"
    assert "damaged" in problems(cache_path)


def test_what_cannot_be_checked_of_an_older_cache_is_said(cache_path):
    with open_cache(cache_path) as cache:
        assert unchecked(cache) == []
    with h5py.File(cache_path, "r+") as file:
        del file["samples/row_digest"], file["samples/frames_digest"], file.attrs["table_digest"]
    assert problems(cache_path) == ""
    with open_cache(cache_path) as cache:
        rows, table = unchecked(cache)
    assert rows.startswith("rows have no digest")
    assert table.startswith("its table has no digest")


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
