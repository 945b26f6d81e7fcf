"""A copy that a laboratory edited, and what is said of it."""

import pytest
from few_clips import FEW, kinds
from lookalikes import casme2_rows, samm_rows, write_casme2, write_casme2_tree, write_samm

from mer_di.datasets import load_dataset

MEB = {  # by subject and clip: the apex that meb writes
    **{(4, "EP12_01f"): 279, (5, "EP09_05f"): 81, (5, "EP16_04f"): 166, (12, "EP09_02"): 187, (12, "EP09_06"): 89},
    **{(16, "EP01_08"): 88, (20, "EP16_01"): 91, (25, "EP18_04f"): 98},
}


@pytest.fixture
def home(tmp_path):
    """Frames of two clips: nothing here asks for more."""
    write_casme2_tree(tmp_path / "Cropped", FEW)
    return tmp_path


def read(home, rows, **options):
    return load_dataset("casme2", write_casme2(home, tree=None, rows=rows, **options), corrections=("none",))


def said(database, kind):
    return {finding.where: finding.message for finding in database.findings if finding.kind == kind}


@pytest.mark.parametrize("version", ["2014", "2019"])
def test_a_published_table_is_called_by_its_name(home, version):
    database = read(home, None, version=version)
    assert database.table_version == version
    assert {"table-resembles", "row-differs"} & kinds(database).keys() == set()


def test_the_counts_alone_do_not_make_an_edited_copy_the_owners_table(home):
    rows = [row._replace(apex=MEB.get((row.subject, row.clip), row.apex)) for row in casme2_rows()]
    database = read(home, rows)
    assert database.table_version == "unrecognized"
    assert said(database, "table-resembles") == {
        "CASME2-coding-20140508.xlsx": "resembles the table of 2014, and is another: of the 14 rows that are public 8 "
        "differ, 8 in key frames, 0 are absent; each emotion has as many rows"
    }
    differing = said(database, "row-differs")
    assert differing.keys() == {f"sub{subject:02d}/{clip}" for subject, clip in MEB}
    assert differing["sub05/EP09_05f"] == "apex 81 instead of 69 (as meb edits it)"
    assert differing["sub04/EP12_01f"] == "apex 279 instead of / (as meb edits it)"


def test_one_number_is_enough_and_nobody_is_named_who_did_not_write_it(home):
    rows = [row._replace(apex=290) if row.clip == "EP12_01f" else row for row in casme2_rows()]
    database = read(home, rows)
    assert database.table_version == "unrecognized"
    assert said(database, "row-differs") == {"sub04/EP12_01f": "apex 290 instead of /"}


def test_labels_are_compared_by_row_and_by_count(home):
    rows = [row._replace(emotion="surprise") if row.clip == "EP07_01" else row for row in casme2_rows()]
    database = read(home, rows)
    (text,) = said(database, "table-resembles").values()
    assert text.startswith("resembles the table of 2014")
    assert text.endswith(
        "1 differ, 0 in key frames, 0 are absent; the labels of at least 1 row(s) differ, or rows were added or "
        "removed: sadness 6 instead of 7, surprise 26 instead of 25"
    )
    assert said(database, "row-differs") == {"sub24/EP07_01": "emotion surprise instead of sadness"}


def test_a_row_that_was_taken_away_is_told(home):
    database = read(home, [row for row in casme2_rows() if row.clip != "EP12_01f"])
    assert said(database, "row-differs") == {"sub04/EP12_01f": "the table of 2014 has this row, and here it is absent"}


def test_a_table_of_other_clips_resembles_none(home):
    database = read(home, FEW)
    assert database.table_version == "unrecognized"
    assert {"table-resembles", "row-differs"} & kinds(database).keys() == set()


def test_of_samm_too(tmp_path):
    rows = [row._replace(apex=4930) if row.clip == "032_3_1" else row for row in samm_rows()]
    database = load_dataset("samm", write_samm(tmp_path, rows=rows), corrections=("none",))
    assert database.table_version == "unrecognized"
    assert said(database, "row-differs") == {"032/032_3_1": "apex 4930 instead of 1930 (as qqxuyujie edits it)"}
