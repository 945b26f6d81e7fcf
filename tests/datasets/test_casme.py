"""CASME: two apex columns, two cameras."""

import pytest
from few_clips import kinds
from lookalikes import ClipRow, write_casme

from mer_di import build_cache
from mer_di.building.defaults import default_recipe
from mer_di.datasets import load_dataset
from mer_di.errors import DatasetNotFoundError
from mer_di.inspection.doctor import examine
from mer_di.synthetic import write_database

FEW = [ClipRow(1, "EP01_12", 8, 12, 15, "tense"), ClipRow(23, "EP01_12", 98, 101, 106, "disgust")]


def test_every_row_of_the_table_is_usable_whatever_the_padding(tmp_path):
    database = load_dataset("casme", write_casme(tmp_path))
    assert (database.tree, database.registered, database.table_version) == ("cropped", True, "unversioned")
    assert len(database.samples) == database.spec.n_samples == 189
    assert examine(database).usable == 189
    assert kinds(database) == {}


def test_the_number_of_a_frame_is_the_last_in_its_name(tmp_path):
    database = load_dataset("casme", write_casme(tmp_path, rows=FEW))
    assert [(s.sample_id, s.onset, s.apex, s.offset, s.fps) for s in database.samples] == [
        ("sub01/EP01_12", 8, 12, 15, 60),
        ("sub23/EP01_12", 98, 101, 106, 60),
    ]
    assert examine(database).usable == 2


def test_the_first_apex_is_read_and_the_second_reported(tmp_path):
    database = load_dataset("casme", write_casme(tmp_path, rows=FEW, second=14))
    assert database.samples[0].apex == 12
    assert [f.message for f in database.findings if f.kind == "second-apex"] == [
        "1 rows have a second apex, in ApexF2; ApexF1 is read, ApexF2 is not"
    ]


def test_a_second_apex_alone_is_no_apex(tmp_path):
    database = load_dataset("casme", write_casme(tmp_path, rows=[FEW[0]._replace(apex="/"), FEW[1]], second=14))
    assert database.samples[0].apex is None
    assert next(f for f in database.findings if f.kind == "second-apex").message.endswith("only one: sub01/EP01_12")
    assert [row["kind"] for row in examine(database).unusable] == ["apex-missing"]


@pytest.mark.parametrize(("folder", "tree"), [("CASME_raw_selected", "selected"), ("mine", "selected")])
def test_whole_frames(tmp_path, folder, tree):
    database = load_dataset("casme", write_casme(tmp_path, rows=FEW, tree=folder))
    assert (database.tree, database.registered) == (tree, False)


def test_a_table_of_casme_2_is_none_of_casme(tmp_path):
    write_casme(tmp_path, rows=FEW)
    (tmp_path / "casme.xlsx").rename(tmp_path / "CASME2-coding-20140508.xlsx")
    with pytest.raises(DatasetNotFoundError, match=r"(?s)named like CASME or.*CASME2-coding-20140508.xlsx.*--table"):
        load_dataset("casme", tmp_path)


@pytest.mark.parametrize("tree", ["cropped", "selected"])
def test_a_drawn_one_is_checked_and_built(tmp_path, sketched, tree):
    root = write_database(tmp_path / "db", layout="casme", tree=tree, subjects=3)
    database = load_dataset("casme", root)
    assert (database.tree, database.synthetic, len(database.samples)) == (tree, True, 24)
    assert examine(database, decode=True).usable == 24
    assert build_cache(database, tmp_path / "c.h5", default_recipe(database, align="none", size=32)).kept == 24
