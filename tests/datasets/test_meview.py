"""MEVIEW: a header of two rows, videos, no apex."""

import pytest
from lookalikes import MEVIEW_ROWS, ClipRow, touch, write_meview, write_workbook

from mer_di.building.plan import make_plan
from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError
from mer_di.recipe import Recipe


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return load_dataset("meview", write_meview(tmp_path_factory.mktemp("meview") / "MEVIEW"))


def test_the_final_frames_are_read_as_positions(database):
    assert [(s.sample_id, s.onset, s.apex, s.offset) for s in database.samples] == [
        ("sub01/1", 9, None, 19),
        ("sub01/2", 4, None, 16),
        ("sub11/3", 29, None, 41),
        ("sub11/3@50", 49, None, 59),
        ("sub12/1", 0, None, 11),
    ]
    (finding,) = [finding for finding in database.findings if finding.kind == "positions"]
    assert "from 1" in finding.message
    assert "column-missing" in {finding.kind for finding in database.findings}


def test_labels_stay_as_they_are(database):
    assert [s.emotion for s in database.samples] == ["contempt", "contempt/disgust", "surprise", "happiness", "anger"]


def test_each_row_has_its_video_and_no_apex(database):
    names = ["sub01-1.mp4", "sub01-2.mp4", "sub11-3.mp4", "sub11-3.mp4", "sub12-1.mp4"]
    assert [sample.path.name for sample in database.samples] == names
    midpoint = make_plan(database, Recipe(align="none", aspect="stretch", apex_policy="midpoint"))
    assert [clip.apex for clip in midpoint.clips] == [14, 10, 35, 54, 5]
    dropped = make_plan(database, Recipe(align="none", aspect="stretch")).dropped
    assert {reason.split(":")[0] for reason in dropped.values()} == {"apex-missing"}


def test_other_zeros_and_another_container(tmp_path):
    root = write_meview(tmp_path, rows=MEVIEW_ROWS[:1])
    cuts = root / "me-cuts" / "cuts"
    (cuts / "sub01-1.mp4").rename(cuts / "Sub1-01.AVI")
    touch(cuts, ["sub09-1.mp4", "notes.txt"])
    database = load_dataset("meview", root)
    assert [sample.path.name for sample in database.samples] == ["Sub1-01.AVI"]
    assert [f.where for f in database.findings if f.kind == "folder-without-row"] == ["cuts/sub09-1.mp4"]


def test_two_videos_for_one_cut_and_none_at_all(tmp_path):
    root = write_meview(tmp_path, rows=MEVIEW_ROWS[:1])
    touch(root / "copy", ["sub1-1.avi"])
    with pytest.raises(AnnotationError, match="two videos hold the clip 1-1"):
        load_dataset("meview", root)
    write_meview(tmp_path / "bare", rows=MEVIEW_ROWS[:1])
    (tmp_path / "bare" / "me-cuts" / "cuts" / "sub01-1.mp4").unlink()
    with pytest.raises(DatasetNotFoundError, match=r"no videos: none such as sub01-1\.mp4"):
        load_dataset("meview", tmp_path / "bare")


def test_a_table_without_final_frames_is_not_guessed(tmp_path):
    root = write_meview(tmp_path, rows=MEVIEW_ROWS[:1])
    lines = [("Subject", "ID", "Onset", "Offset", "Emotion"), (1, 1, 3, 9, "fear")]
    write_workbook(root / "MEVIEW_v2.xlsx", {"Sheet1": lines})
    with pytest.raises(AnnotationError, match="missing: FINAL Onset, FINAL Offset"):
        load_dataset("meview", root)


def test_a_number_that_is_none_stays_none(tmp_path):
    rows = [ClipRow(1, "1", 1, None, 20, "fear"), ClipRow(2, "1", 1, None, 9, "fear")]
    database = load_dataset("meview", write_meview(tmp_path, rows=rows))
    assert [sample.onset for sample in database.samples] == [0, 0]
