"""4DME: subjects as they are written, several emotions a row, absolute frame numbers."""

import pytest
from lookalikes import ClipRow, fourdme_rows, touch, write_4dme, write_workbook

from mer_di.datasets import load_dataset
from mer_di.errors import DatasetNotFoundError
from mer_di.imaging.listing import list_frames

FEW = [ClipRow(13, "001_01_1", 2480, 2490, 2499, "Surprise+Positive", "AU4(k)+L7"), ClipRow(2, "a", 1, 4, 9, "Others")]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return load_dataset("4dme", write_4dme(tmp_path_factory.mktemp("4dme") / "4DMicro"))


def test_as_many_rows_as_published(database):
    assert len(database.samples) == database.spec.n_samples == 267
    assert "table-unrecognized" not in {finding.kind for finding in database.findings}
    assert {sample.fps for sample in database.samples} == {60}


def test_fewer_rows_are_told(tmp_path):
    database = load_dataset("4dme", write_4dme(tmp_path, rows=fourdme_rows()[:260]))
    (finding,) = [finding for finding in database.findings if finding.kind == "table-unrecognized"]
    assert finding.message == "260 rows; the owners' table has 267"


def test_several_emotions_are_one_class_and_told(tmp_path):
    database = load_dataset("4dme", write_4dme(tmp_path, rows=FEW))
    assert [(s.sample_id, s.emotion, s.emotion_written) for s in database.samples] == [
        ("S13/001_01_1", "surprise+positive", "Surprise+Positive"),
        ("S2/a", "others", "Others"),
    ]
    assert database.samples[0].action_units == "AU4(k)+L7"
    (finding,) = [finding for finding in database.findings if finding.kind == "several-emotions"]
    assert finding.message.startswith("1 rows have two emotions or more")


@pytest.mark.parametrize("tree", ["gray_micro", "gray_micro/gray_micro", "data/gray_micro"])
def test_folders_hold_onset_to_offset_wherever_they_lie(tmp_path, tree):
    database = load_dataset("4dme", write_4dme(tmp_path, rows=FEW, tree=tree))
    assert (database.tree, database.registered) == ("raw", False)
    for sample in database.samples:
        assert list(list_frames(sample.path)) == list(range(sample.onset, sample.offset + 1))


def test_faces_are_preferred_and_the_tree_itself_may_be_named(tmp_path):
    write_4dme(tmp_path, rows=FEW, tree="gray_micro_crop")
    write_4dme(tmp_path, rows=FEW)
    database = load_dataset("4dme", tmp_path)
    assert (database.tree, database.registered) == ("cropped", True)
    assert load_dataset("4dme", tmp_path / "gray_micro").samples[0].path == tmp_path / "gray_micro" / "S13" / "001_01_1"


def test_two_sessions_of_one_person_are_told(tmp_path):
    header = ("sub_ID", "fold_name", "Onset", "Apex", "Offset", "Emotion")
    rows = [
        ("S13_1st", "a", 1, 4, 9, "Others"),
        ("S13_2nd", "b", 1, 4, 9, "Others"),
        ("S1_1st", "c", 1, 4, 9, "Others"),
    ]
    write_workbook(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": [header, *rows]})
    touch(tmp_path / "gray_micro" / "S13_1st" / "a", [f"{n}.png" for n in range(1, 10)])
    database = load_dataset("4dme", tmp_path)
    found = [finding.where for finding in database.findings if finding.kind == "subject-spellings"]
    assert found == ["S13_1st, S13_2nd"]


def test_no_frames_says_what_was_looked_for(tmp_path):
    write_4dme(tmp_path, rows=FEW, tree="rgb_micro")
    with pytest.raises(DatasetNotFoundError, match=r"no folder named graymicrocrop or (?s:.)*rgb_micro"):
        load_dataset("4dme", tmp_path)
