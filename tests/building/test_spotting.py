"""Builds that look for apexes in the frames."""

import csv
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from tiny_build import assert_same_content, load, plain

import mer_di
from mer_di.building import tasks
from mer_di.building.build import build_cache
from mer_di.building.plan import make_plan
from mer_di.building.rendering import render
from mer_di.building.spotting import spotted
from mer_di.cache import open_cache
from mer_di.errors import SampleError
from mer_di.executors import local
from mer_di.inspection.verification import departures, recomputed

SPOT = plain(apex_policy="spot")


@pytest.fixture
def unsure(tiny):
    """The tiny database without two of its apexes."""
    tiny.rows[0]["apex"] = "/"
    tiny.rows[3]["apex"] = 99
    tiny.write_table()
    return tiny


def first(database, recipe=SPOT):
    return make_plan(load(database), recipe).clips[0]


def test_only_apexes_that_are_not_usable_are_spotted(unsure, tmp_path):
    out = tmp_path / "spot.h5"
    report = build_cache(load(unsure), out, SPOT)
    assert (report.kept, report.dropped) == (6, {})
    with open_cache(out) as cache:
        assert cache.column("apex_source").tolist() == ["spotted", "table", "table", "spotted", "table", "table"]
        sure = cache.column("apex_confidence")
        assert np.isnan(sure).tolist() == [False, True, True, False, True, True]
        assert ((cache.apex_confidences >= 0) & (cache.apex_confidences <= 1)).all()
        assert cache.apex_sources == {"spotted": 2, "table": 4}
        assert departures(cache) == []
        assert recomputed(cache, load(unsure), 6) == []


def test_a_confidence_that_the_frames_do_not_give_is_named(unsure, tmp_path):
    out = build_cache(load(unsure), tmp_path / "spot.h5", SPOT).path
    with h5py.File(out, "r+") as file:
        file["samples/apex_confidence"][0] = 0.125
    with open_cache(out) as cache:
        (found,) = recomputed(cache, load(unsure), 6)
    assert found.startswith("s1/a: differs from its frames in samples/apex_confidence by up to 0.")


def test_a_spotted_apex_splits_the_clip_as_one_of_the_table_does(unsure, tmp_path):
    found = spotted(first(unsure), SPOT)
    unsure.rows[0]["apex"] = found.apex
    unsure.write_table()
    known = first(unsure)
    assert known.apex_source == "table"
    assert (known.apex, known.onset_phase, known.offset_phase) == (found.apex, found.onset_phase, found.offset_phase)
    np.testing.assert_array_equal(render(found, SPOT).di, render(known, SPOT).di)
    assert spotted(known, SPOT) is known


@pytest.mark.parametrize("apex_in", ["both", "onset", "offset"])
def test_a_spotted_apex_leaves_both_phases_two_frames(tiny, apex_in):
    tiny.add("s9", "short", onset=1, apex="/", offset=4, emotion="surprise")
    tiny.rows.insert(0, tiny.rows.pop())
    tiny.write_table()
    recipe = plain(apex_policy="spot", apex_in=apex_in)
    found = [spotted(clip, recipe) for clip in make_plan(load(tiny), recipe).clips if clip.sample.subject == "s9"]
    assert all(min(len(clip.onset_phase), len(clip.offset_phase)) >= 2 for clip in found)
    assert len(found) == (apex_in != "offset")


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_a_build_on_workers_spots_the_same_and_a_second_one_does_nothing(unsure, tmp_path, workers):
    build_cache(load(unsure), tmp_path / "one.h5", SPOT)
    with local(workers, 2) as executor:
        build_cache(load(unsure), tmp_path / "two.h5", SPOT, executor=executor)
        assert build_cache(load(unsure), tmp_path / "two.h5", SPOT, executor=executor).already_complete
    assert_same_content(tmp_path / "one.h5", tmp_path / "two.h5")


def test_an_interrupted_build_spots_again_and_keeps_its_rows(unsure, tmp_path, monkeypatch):
    rendered = []

    def failing(clip, *others):
        rendered.append(clip)
        if len(rendered) > 3:
            raise KeyboardInterrupt
        return render(clip, *others)

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "render", failing)
        with pytest.raises(KeyboardInterrupt):
            build_cache(load(unsure), tmp_path / "spot.h5", SPOT)
    assert build_cache(load(unsure), tmp_path / "spot.h5", SPOT).resumed == 3
    build_cache(load(unsure), tmp_path / "whole.h5", SPOT)
    assert (tmp_path / "spot.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_a_clip_in_which_nothing_changes_is_dropped(unsure, tmp_path):
    folder = unsure.table.parent / "s1" / "a"
    for path in folder.iterdir():
        cv2.imwrite(str(path), np.full((24, 32, 3), 90, np.uint8))
    report = build_cache(load(unsure), tmp_path / "spot.h5", SPOT)
    assert report.reasons == {"apex-not-found": 1}
    assert report.kept == 5


def test_frames_that_change_after_the_apex_was_spotted_drop_their_sample(unsure):
    clip = spotted(first(unsure), SPOT)
    cv2.imwrite(str(Path(clip.path) / clip.files[2]), np.zeros((24, 32, 3), np.uint8))
    with pytest.raises(SampleError, match="clip-changed"):
        render(clip, SPOT)


@pytest.mark.parametrize(("policy", "source"), [("midpoint", "midpoint"), ("spot", "spotted")])
def test_a_table_needs_no_apex_column(tiny, tmp_path, policy, source):
    rows = [{name: value for name, value in row.items() if name != "apex"} for row in tiny.rows]
    with tiny.table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    build_cache(mer_di.load_dataset("manifest", tiny.table), tmp_path / "out.h5", plain(apex_policy=policy))
    with open_cache(tmp_path / "out.h5") as cache:
        assert cache.apex_sources == {source: 6}
        assert ("apex_confidence" in cache.file["samples"]) == (policy == "spot")


def test_without_the_policy_a_cache_has_no_confidence(built):
    assert "apex_confidence" not in built.file["samples"]
    assert built.apex_confidences.size == 0
