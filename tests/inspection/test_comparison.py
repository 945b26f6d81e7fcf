import shutil

import h5py
from tiny_build import load, plain
from tiny_cache import write_tiny_cache

from mer_di.building.build import build_cache
from mer_di.cache import CORRECTION_COLUMNS, open_cache
from mer_di.inspection.comparison import compare


def test_comparing_names_recipe_samples_and_pixels(built, tiny, tmp_path):
    tiny.rows[0]["apex"] = "/"
    tiny.rows[1]["emotion"] = "happiness"
    tiny.write_table()
    build_cache(load(tiny), tmp_path / "other.h5", plain(scheme="harmonic_arp"))
    with open_cache(tmp_path / "other.h5") as other:
        found = compare(built, other)
    assert found.recipe == ['scheme: "arp" | "harmonic_arp"']
    assert len(found.only_a) == 1
    assert found.only_a[0].startswith("s1/a (apex-missing")
    assert found.only_b == []
    assert any(
        line.startswith("s1/b: emotion surprise | happiness, emotion_written") and "di/onset by up to" in line
        for line in found.samples
    )
    assert not found.equal
    assert compare(built, built).equal


def test_flow_is_compared(tmp_path):
    path = write_tiny_cache(tmp_path / "a.h5", flow="ilk")
    other = shutil.copy(path, tmp_path / "b.h5")
    with h5py.File(other, "r+") as file:
        file["flow/onset"][0, 0, 0, 0] += 2
    with open_cache(path) as a, open_cache(other) as b:
        (line,) = compare(a, b).samples
    assert line.startswith("s01/c0: flow/onset by up to 2")


def test_every_column_and_the_classes_are_compared(built, tmp_path):
    other = shutil.copy(built.path, tmp_path / "other.h5")
    with h5py.File(other, "r+") as file:
        file["samples/label"][0] = 1
        file["samples/fps"][0] = 7
        file["samples/action_units"][0] = "AU99"
        file["samples"].attrs["classes"] = ["joy", "surprise"]
    with open_cache(other) as changed:
        found = compare(built, changed)
    assert found.samples == ["s1/a: action_units  | AU99, label 0 | 1, fps nan | 7.0"]
    assert found.provenance == ["classes: happiness, surprise | joy, surprise"]


def test_where_a_clip_lay_and_of_which_frames_it_is_are_compared(tmp_path):
    path, other = write_tiny_cache(tmp_path / "a.h5", apex_jitter=2), tmp_path / "b.h5"
    shutil.copy(path, other)
    with h5py.File(other, "r+") as file:
        file["samples/transform"][0, 0, 2] = 3
        file["samples/frames_digest"][1] = b"0" * 32
        file["samples/jitter_apex"][2, 1] += 1
    with open_cache(path) as a, open_cache(other) as b:
        found = compare(a, b).samples
    assert [line.partition(" | ")[0] for line in found] == [
        "s01/c0: transform [[1. 0. 0.] [0. 1. 0.]]",
        "s01/c1: frames_digest ",
        "s01/c2: jitter_apex [4 6]",
    ]


def test_a_cache_of_before_a_column_was_kept_is_equal(built, tmp_path):
    other = shutil.copy(built.path, tmp_path / "other.h5")
    with h5py.File(other, "r+") as file:
        file["samples/objective_class"][0] = "7"
    with open_cache(other) as changed:
        assert compare(built, changed).samples == ["s1/a: objective_class  | 7"]
    with h5py.File(other, "r+") as file:
        del file["samples/objective_class"]
    with open_cache(other) as older:
        assert compare(built, older).equal
        assert compare(older, built).equal


CORRECTION = ("mine", "s1/a", "apex", "4", "5", "a slip", "me")


def test_reasons_and_corrections_are_compared(built, tmp_path):
    other = shutil.copy(built.path, tmp_path / "other.h5")
    with h5py.File(other, "r+") as file:
        for table, row in (
            ("dropped", {"sample_id": "s9/z", "reason": "apex-missing: none"}),
            (
                "corrections",
                dict(zip(CORRECTION_COLUMNS, CORRECTION, strict=True)),
            ),
        ):
            del file[table]
            for column, text in row.items():
                file.create_dataset(f"{table}/{column}", data=[text], dtype=h5py.string_dtype())
    with open_cache(other) as changed:
        found = compare(built, changed)
    assert found.dropped == ["s9/z: (unknown) | apex-missing: none"]
    assert found.provenance == ["correction only in b: mine, s1/a, apex, 4, 5, a slip, me"]
    assert not found.equal


def test_a_cache_without_key_frames_is_compared_in_the_rest(built, tmp_path):
    other = shutil.copy(built.path, tmp_path / "other.h5")
    with h5py.File(other, "r+") as file:
        del file["frames"]
    with open_cache(other) as changed:
        assert compare(built, changed).samples == [
            f"{name}: key frames only in a" for name in built.column("sample_id")
        ]
