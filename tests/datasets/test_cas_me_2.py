"""CAS(ME)²: a table without a header, two sheets of codes, macro-expressions among the rows."""

import pytest
from lookalikes import ClipRow, write_cas_me_2, write_cas_me_2_table, write_workbook

from mer_di import build_cache
from mer_di.building.defaults import default_recipe
from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError
from mer_di.inspection.doctor import examine
from mer_di.synthetic import write_database

FEW = [ClipRow(1, "disgust1_2", 10, 14, 19, "negative"), ClipRow(12, "happy1_1", 557, 561, 0, "positive")]
TABLE = "CAS(ME)^2code_final.xlsx"


def messages(database, kind):
    return [finding.message for finding in database.findings if finding.kind == kind]


def test_the_micro_expressions_are_read_and_the_others_counted(tmp_path):
    database = load_dataset("cas_me_2", write_cas_me_2(tmp_path))
    assert (database.tree, database.registered, database.table_version) == ("cropped", True, "unversioned")
    assert len(database.samples) == database.spec.n_samples == 57
    assert len({sample.subject for sample in database.samples}) == 22
    assert messages(database, "rows-of-macro-expressions") == ["300 of 357 rows are not read"]
    assert examine(database).usable == 57


@pytest.mark.parametrize(("tree", "registered"), [("cropped", True), ("selectedpic", False), ("rawpic", False)])
def test_the_second_sheet_names_the_subject_and_the_third_the_recording(tmp_path, tree, registered):
    database = load_dataset("cas_me_2", write_cas_me_2(tmp_path, rows=FEW, tree=tree))
    assert (database.tree, database.registered) == (tree, registered)
    assert [(s.sample_id, s.path.name) for s in database.samples] == [
        ("s15/disgust1_2", "15_0101disgustingteeth" if tree == "rawpic" else "disgust1_2"),
        ("s29/happy1_1", "29_0502disgustingteeth" if tree == "rawpic" else "happy1_1"),
    ]


def test_an_offset_0_is_no_offset_unless_a_set_says_so(tmp_path):
    root = write_cas_me_2(tmp_path, rows=FEW)
    found = examine(load_dataset("cas_me_2", root))
    assert {row["sample_id"]: row["kind"] for row in found.unusable} == {"s29/happy1_1": "offset-before-onset"}
    database = load_dataset("cas_me_2", root, corrections=("apex-as-offset",))
    assert [(c.sample_id, c.field, c.was, c.now) for c in database.applied] == [("s29/happy1_1", "offset", 0, 561)]
    assert {row["kind"] for row in examine(database).unusable} == {"phase-too-short"}
    assert examine(database, apex_policy="midpoint").usable == 2


def test_folders_called_by_a_bare_number_are_people_if_no_other_reading_fits(tmp_path):
    rows = [FEW[0], FEW[1]._replace(offset=566)]
    database = load_dataset("cas_me_2", write_cas_me_2(tmp_path, rows=rows, subject="{}"))
    assert [(s.sample_id, s.path is None) for s in database.samples] == [
        ("s15/disgust1_2", False),
        ("s29/happy1_1", False),
    ]


def test_folders_that_may_be_numbers_of_people_or_of_rows_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match=r"are called 15, which may be numbers of people \(s15\) or of rows"):
        load_dataset("cas_me_2", write_cas_me_2(tmp_path, rows=FEW[:1], subject="{}"))


def test_a_header_that_somebody_added_is_passed_over(tmp_path):
    write_cas_me_2(tmp_path, rows=FEW)
    write_cas_me_2_table(tmp_path / TABLE, FEW, header=["subject", "video", "onset", "apex", "offset", "au"])
    assert len(load_dataset("cas_me_2", tmp_path).samples) == 2


def test_another_table_is_refused_by_what_it_holds(tmp_path):
    write_cas_me_2(tmp_path, rows=FEW)
    write_workbook(tmp_path / TABLE, {"a": [("Subject", "Filename"), (1, "x")], "b": [], "c": []})
    with pytest.raises(
        AnnotationError, match=r"row 2 holds 1, x; expected, without a header, subject, video.*manifest"
    ):
        load_dataset("cas_me_2", tmp_path)
    write_workbook(tmp_path / TABLE, {"a": [(1, "disgust1_2", 1, 2, 3, 4, "x", "micro-expression")]})
    with pytest.raises(AnnotationError, match=r"holds 1 sheet\(s\); the table of CAS\(ME\)² is a workbook of three"):
        load_dataset("cas_me_2", tmp_path)


def test_a_subject_without_a_folder_name_is_refused(tmp_path):
    write_cas_me_2(tmp_path, rows=FEW)
    write_cas_me_2_table(tmp_path / TABLE, [FEW[0]._replace(subject=99)])
    with pytest.raises(
        AnnotationError, match=r"the subject is '99', for which the second sheet has no folder; it has 1 \(s15\)"
    ):
        load_dataset("cas_me_2", tmp_path)


@pytest.mark.parametrize("onset", [None, "/", "1" * 30])
def test_an_onset_that_is_no_number_drops_its_row(tmp_path, onset):
    write_cas_me_2(tmp_path, rows=FEW)
    write_cas_me_2_table(tmp_path / TABLE, [FEW[0]._replace(onset=onset), *FEW[1:]])
    unusable = {row["sample_id"]: row["kind"] for row in examine(load_dataset("cas_me_2", tmp_path)).unusable}
    assert unusable["s15/disgust1_2"] == "onset-missing"


def test_folders_of_macro_expressions_are_counted(tmp_path):
    root = write_cas_me_2(tmp_path, rows=FEW)
    (root / "cropped" / "s15" / "happy1_90").mkdir()
    assert messages(load_dataset("cas_me_2", root), "folder-without-row") == [
        "1 of 3 folders hold no micro-expression that the table names"
    ]


def test_no_frames_and_no_table(tmp_path, monkeypatch):
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: False)
    write_cas_me_2_table(tmp_path / TABLE, FEW)
    with pytest.raises(DatasetNotFoundError, match=r"holds no frames: no folder of a subject, such as s01"):
        load_dataset("cas_me_2", tmp_path)
    (tmp_path / TABLE).rename(tmp_path / "code_final.xls")
    with pytest.raises(DatasetNotFoundError, match=r"(?s)holds no annotation table.*code_final.xls.*--table"):
        load_dataset("cas_me_2", tmp_path)


@pytest.mark.parametrize("tree", ["cropped", "rawpic"])
def test_a_drawn_one_is_checked_and_built(tmp_path, sketched, tree):
    root = write_database(tmp_path / "db", layout="cas_me_2", tree=tree, subjects=2, clips_per_emotion=2)
    database = load_dataset("cas_me_2", root)
    assert (database.tree, database.synthetic, len(database.samples)) == (tree, True, 16)
    assert examine(database, decode=True).usable == 16
    assert build_cache(database, tmp_path / "c.h5", default_recipe(database, align="none", size=32)).kept == 16
