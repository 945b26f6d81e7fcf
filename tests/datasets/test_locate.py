"""Where a database and its table are looked for, by the example of CASME II."""

import pytest
from few_clips import FEW, write_few
from lookalikes import touch, write_casme2_table, write_casme2_tree, write_workbook

from mer_di.datasets import load_dataset
from mer_di.datasets.locate import sought
from mer_di.errors import DatasetNotFoundError


def test_frames_without_a_table(tmp_path):
    write_casme2_tree(tmp_path / "a" / "b" / "Cropped", FEW)
    with pytest.raises(
        DatasetNotFoundError, match=r"no annotation table named like CASME2\*coding\* or CASME2 \(\.xlsx"
    ):
        load_dataset("casme2", tmp_path / "a" / "b")


@pytest.mark.parametrize(
    "name", ["CASME2-coding-20140508.xls", "CASME2-coding.ods", "labels.xlsx", "faces.csv", "x.numbers"]
)
def test_a_table_in_another_format_or_under_another_name_is_pointed_at(tmp_path, monkeypatch, name):
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: False)
    write_casme2_tree(tmp_path / "Cropped", FEW)
    touch(tmp_path / "notes", [name])
    touch(tmp_path, ["readme.pdf"])
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset("casme2", tmp_path)
    assert f"    {tmp_path / 'notes' / name}\n" in str(caught.value)
    assert "readme" not in str(caught.value)
    ways = ("--table", ".xlsx, .xlsm, .csv, .tsv", "pip install 'mer_di[tables]', .xls", "--dataset manifest")
    for way in (*ways, "subject, clip, path, onset, apex, offset, emotion"):
        assert way in str(caught.value)


def test_a_table_without_frames_lists_what_lies_there(tmp_path):
    write_casme2_table(tmp_path / "CASME2-coding.xlsx", FEW)
    touch(tmp_path, [f"Cropped{n:02d}.zip" for n in range(20)])
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset("casme2", tmp_path)
    for part in ("no folder of a subject, such as sub01", str(tmp_path / "Cropped00.zip"), "and 11 more", "unpacked"):
        assert part in str(caught.value)


def test_a_table_is_told_however_deep_it_lies(tmp_path):
    write_casme2_tree(tmp_path / "Cropped", FEW)
    touch(tmp_path / "a" / "b" / "c", ["labels.xlsx"])
    with pytest.raises(DatasetNotFoundError, match=r"labels\.xlsx"):
        load_dataset("casme2", tmp_path)


def test_a_clip_in_other_letters_or_as_a_video_is_pointed_at(tmp_path):
    touch(tmp_path / "S01", ["clip.avi"])
    assert sought(tmp_path / "s01" / "clip") == f"{tmp_path}/s01/clip, where {tmp_path}/S01/clip.avi lies"
    assert sought(tmp_path / "s01" / "other") == f"{tmp_path}/s01/other"
    assert sought(tmp_path / "S01").endswith("S01, which is no clip of this frame tree")


def test_frames_of_another_kind_are_told_however_deep_they_lie(tmp_path):
    write_casme2_table(tmp_path / "CASME2-coding.xlsx", FEW)
    touch(tmp_path / "data" / "all" / "clips", ["sub01_EP02_01f.mp4", "sub02_EP03.mp4", ".DS_Store", "Thumbs.db"])
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset("casme2", tmp_path)
    clips = tmp_path / "data" / "all" / "clips"
    assert f"Files below: 2 .mp4, such as {clips / 'sub01_EP02_01f.mp4'}; 1 .xlsx, such as" in str(caught.value)
    assert "Thumbs" not in str(caught.value)


def test_root_that_is_a_file(tmp_path):
    write_few(tmp_path)
    with pytest.raises(
        DatasetNotFoundError, match="is not a folder; expected the database's, and a table with --table"
    ):
        load_dataset("casme2", tmp_path / "CASME2-coding-20140508.xlsx")


def test_archive_litter_is_passed_over(tmp_path):
    write_few(tmp_path)
    before = load_dataset("casme2", tmp_path)
    write_casme2_tree(tmp_path / "__MACOSX" / "Cropped", FEW)
    touch(tmp_path / "Cropped" / "sub01" / "__MACOSX", ["._x"])
    touch(tmp_path / "Cropped" / "sub01" / ".ipynb_checkpoints", [])
    assert load_dataset("casme2", tmp_path) == before


def test_a_table_named_by_hand_may_lie_anywhere(tmp_path, monkeypatch):
    write_casme2_tree(tmp_path / "frames" / "Cropped", FEW)
    write_casme2_table(tmp_path / "elsewhere" / "mine.xlsx", FEW)
    monkeypatch.chdir(tmp_path)
    database = load_dataset("casme2", "frames", table="elsewhere/mine.xlsx")
    assert database.table == tmp_path / "elsewhere" / "mine.xlsx"
    assert all(sample.path.is_absolute() and sample.path.exists() for sample in database.samples)
    with pytest.raises(DatasetNotFoundError, match=r"gone\.xlsx cannot be read"):
        load_dataset("casme2", "frames", table="gone.xlsx")


def test_the_other_workbooks_of_the_release_are_no_candidates(tmp_path):
    write_workbook(tmp_path / "CASME2-ObjectiveClasses.xlsx", {"Sheet1": [["Subject", "Filename", "Objective Class"]]})
    assert len(load_dataset("casme2", write_few(tmp_path)).samples) == 2
