"""Which samples are rendered, against the published counts."""

import pickle
from collections import Counter

import lookalikes
import pytest
from tiny_build import load

import mer_di
from mer_di.building.plan import make_plan
from mer_di.errors import InputError
from mer_di.recipe import Recipe


def plan(database, *, min_class_size=1, **recipe):
    return make_plan(database, Recipe(align="none", aspect="stretch", **recipe), min_class_size=min_class_size)


def kinds(made):
    return Counter(reason.partition(":")[0] for reason in made.dropped.values())


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    """Look-alikes that mirror the published counts in full, with empty frame files."""
    root = tmp_path_factory.mktemp("published")
    for name, write in (
        ("casme2", lookalikes.write_casme2),
        ("samm", lookalikes.write_samm),
        ("mmew", lookalikes.write_mmew),
    ):
        write(root / name)
    return {name: mer_di.load_dataset(name, root / name) for name in ("casme2", "samm", "mmew")}


@pytest.mark.parametrize(
    ("name", "rows", "in_large_classes", "kept", "subjects"),
    [("casme2", 255, 246, 240, 26), ("samm", 159, 136, 134, 27), ("mmew", 300, 292, 292, 30)],
)
def test_the_papers_filter_and_the_default_policy_give_the_published_counts(
    databases, name, rows, in_large_classes, kept, subjects
):
    made = plan(databases[name], min_class_size=10)
    assert len(made.clips) + len(made.dropped) == rows
    assert rows - kinds(made)["class-too-small"] == in_large_classes
    assert len(made.clips) == kept
    assert len({clip.sample.subject for clip in made.clips}) == subjects


def test_casme2_keeps_what_the_paper_implies(databases):
    made = plan(databases["casme2"], min_class_size=10)
    assert Counter(clip.sample.emotion for clip in made.clips) == {
        "others": 97,
        "disgust": 59,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
    }
    assert {name for name, reason in made.dropped.items() if not reason.startswith("class-too-small")} == {
        "sub04/EP12_01f",
        "sub05/EP09_05f",
        "sub05/EP16_04f",
        "sub12/EP09_06",
        "sub20/EP16_01",
        "sub25/EP18_04f",
    }


def test_the_truncated_clip_ends_where_its_files_end(databases, tmp_path):
    by_id = {clip.sample.sample_id: clip for clip in plan(databases["casme2"]).clips}
    assert (by_id["sub16/EP01_08"].onset, by_id["sub16/EP01_08"].offset) == (73, 96)
    lookalikes.write_casme2(tmp_path / "casme2")
    uncorrected = plan(mer_di.load_dataset("casme2", tmp_path / "casme2", corrections=("none",)))
    assert uncorrected.dropped["sub16/EP01_08"].startswith("frames-missing")


def test_midpoint_keeps_every_class_but_the_small_ones(databases):
    assert len(plan(databases["casme2"], min_class_size=10, apex_policy="midpoint").clips) == 246
    assert len(plan(databases["samm"], min_class_size=10, apex_policy="midpoint").clips) == 136


def test_spotting_is_left_to_the_frames_and_of_usable_apexes_the_tables_stay(databases):
    made = plan(databases["casme2"], min_class_size=10, apex_policy="spot")
    assert Counter(clip.apex_source for clip in made.clips) == {"table": 240, "unspotted": 6}


def test_positions_count_from_the_onset(databases):
    clip = next(clip for clip in plan(databases["samm"]).clips if clip.onset > 1000)
    assert (clip.onset_phase[0], clip.onset_phase[-1]) == (0, clip.apex - clip.onset)
    assert clip.offset_phase[-1] == clip.offset - clip.onset
    assert clip.numbers[clip.onset_phase[-1]] == clip.apex


def test_a_class_size_below_one_is_refused(databases):
    with pytest.raises(InputError, match="min_class_size is 0"):
        plan(databases["mmew"], min_class_size=0)


def test_a_task_can_travel_to_another_process(tiny):
    clip = plan(load(tiny)).clips[0]
    assert pickle.loads(pickle.dumps(clip)) == clip


@pytest.mark.parametrize(("corrections", "kept"), [(("released",), 240), (("none",), 237), (("released", "meb"), 246)])
def test_the_copy_that_contradicts_its_table_keeps_its_clips_by_the_corrections(tmp_path, corrections, kept):
    lookalikes.write_casme2(tmp_path, frames=lookalikes.CASME2_LISTED)
    made = plan(mer_di.load_dataset("casme2", tmp_path, corrections=corrections), min_class_size=10)
    assert len(made.clips) == kept


def test_frames_a_second_that_are_none_drop_their_sample(tiny):
    table = tiny.table.read_text(encoding="utf-8").splitlines()
    lines = [f"{table[0]},fps", f"{table[1]},1e300", *(f"{line},200" for line in table[2:])]
    tiny.table.write_text("\n".join(lines), encoding="utf-8")
    found = plan(load(tiny))
    assert kinds(found) == {"fps-invalid": 1}
    assert {clip.sample.fps for clip in found.clips} == {200.0}


@pytest.mark.parametrize("offset", [10**6 + 5, 10**9, 10**18 - 1])
def test_an_absurd_frame_number_drops_its_sample_and_costs_nothing(tiny, offset):
    tiny.rows[0]["offset"] = offset
    tiny.write_table()
    found = plan(load(tiny))
    assert kinds(found) == {"clip-too-long": 1}
    assert len(found.clips) == 5


def test_a_plan_knows_the_names_of_the_files_in_the_order_of_the_frames(tiny):
    first = plan(load(tiny)).clips[0]
    assert first.files == tuple(f"img{number}.png" for number in first.numbers)


def test_a_band_needs_a_frame_rate_that_can_show_it(databases, tiny):
    magnified = {"scheme": "magnified", "magnify_alpha": 10.0}
    within, beyond = (plan(databases["mmew"], **magnified, magnify_band=(2.0, high)) for high in (45.0, 45.1))
    assert kinds(within)["fps-too-low"] == 0
    assert not beyond.clips
    assert set(beyond.dropped.values()) >= {
        "fps-too-low: 90 frames per second show up to 45 Hz; the band reaches 45.1 Hz"
    }
    unknown = plan(load(tiny), **magnified, magnify_band=(2.0, 8.0))
    assert kinds(unknown) == {"fps-missing": 6}
