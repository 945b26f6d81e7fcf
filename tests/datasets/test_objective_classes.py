from collections import Counter

import pytest
from few_clips import FEW, kinds, sample_of, write_few
from lookalikes import (
    CASME2_OBJECTIVE,
    CASME2_OBJECTIVE_2019,
    casme2_rows,
    dealt_classes,
    write_casme2_objective_classes,
    write_casme2_table,
    write_workbook,
)

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError

NAME = "CASME2-ObjectiveClasses.xlsx"


@pytest.fixture
def root(tmp_path):
    return write_few(tmp_path / "CASME2")


def test_the_file_beside_a_table_of_2014_is_joined_by_subject_and_clip(root):
    write_casme2_objective_classes(root / NAME, [*reversed(FEW), *casme2_rows()[:40]])
    database = load_dataset("casme2", root)
    assert [sample.objective_class for sample in database.samples] == ["1", "1"]
    assert kinds(database)["objective-classes"] == 1
    told = next(finding for finding in database.findings if finding.kind == "objective-classes")
    assert told.message == "2 of 2 rows of the table have their objective class from this file"


def test_without_the_file_they_are_empty(root):
    assert {sample.objective_class for sample in load_dataset("casme2", root).samples} == {""}


def test_rows_that_the_file_lacks_have_none_and_are_counted(root):
    write_casme2_objective_classes(root / NAME, FEW[:1])
    database = load_dataset("casme2", root)
    assert sample_of(database, "sub01/EP02_01f").objective_class == "1"
    assert sample_of(database, "sub02/EP02_01f").objective_class == ""
    assert any(finding.message.startswith("1 of 2 rows") for finding in database.findings)


def test_the_column_of_a_table_of_2019_is_kept_and_compared(root):
    (root / "CASME2-coding-20140508.xlsx").unlink()
    rows = casme2_rows("2019")
    write_casme2_table(root / "CASME2-coding-20190701.xlsx", rows, version="2019")
    write_casme2_objective_classes(root / NAME, rows)
    database = load_dataset("casme2", root)
    assert Counter(sample.objective_class for sample in database.samples) == CASME2_OBJECTIVE_2019
    told = next(finding for finding in database.findings if finding.kind == "objective-classes")
    pairs = zip(dealt_classes(CASME2_OBJECTIVE_2019), dealt_classes(CASME2_OBJECTIVE), strict=True)
    unlike = sum(ours != theirs for ours, theirs in pairs)
    assert f"they are kept; those of this file differ in {unlike} of 255 rows" in told.message


def test_of_two_files_none_is_guessed(root):
    for name in (NAME, f"copy of {NAME}"):
        write_casme2_objective_classes(root / name, FEW)
    database = load_dataset("casme2", root)
    assert {sample.objective_class for sample in database.samples} == {""}
    assert kinds(database)["objective-classes"] == 1


def test_two_classes_of_one_clip_are_refused(root):
    write_workbook(
        root / NAME, {"S": [["Subject", "Filename", "Objective Class"], [1, "EP02_01f", 1], [1, "EP02_01f", 2]]}
    )
    with pytest.raises(AnnotationError, match=r"row 3: the objective class of sub01/ep02_01f is '2' here and '1'"):
        load_dataset("casme2", root)


def test_the_file_may_be_of_another_format(root, monkeypatch):
    (root / NAME).with_suffix(".xls").write_bytes(b"of no table")
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: True)
    with pytest.raises(AnnotationError, match=r"ObjectiveClasses\.xls"):
        load_dataset("casme2", root)
