"""SMIC: short clips without a table, long clips with one, three cameras."""

from pathlib import Path

import pytest
from few_clips import kinds
from lookalikes import ClipRow, smic_rows, touch, write_smic, write_workbook

from mer_di import build_cache
from mer_di.building.defaults import default_recipe
from mer_di.building.plan import make_plan
from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError
from mer_di.inspection.doctor import examine
from mer_di.recipe import Recipe
from mer_di.synthetic import write_database

HEADER = (
    *("Subject", "Filename", "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F"),
    *("TotalMF1", "TotalMF2", "TotalMF3", "Emotion", "FirstF", "LastF", "TotalVL"),
)
FEW = [ClipRow(1, "s1_ne_01", 100, None, 109, "negative"), ClipRow(11, "s11_po_02", 5, None, 20, "positive")]
LONG = "SMIC-E_raw image/HS_long"


def write_long(root: Path, rows, *, folder=LONG, table="SMIC-HS-E_annotation.xlsx") -> Path:
    write_workbook(root / folder / table, {"Sheet1": [HEADER, *rows]})
    for row in rows:
        if row[1]:
            touch(
                root / folder / "SMIC-HS-E" / f"s{row[0]:02d}" / row[1],
                (f"image{n:07d}.jpg" for n in range(row[12], row[13] + 1)),
            )
    return root


def long_row(subject, clip, *spans, emotion="negative"):
    spans = (*spans, *[None] * (6 - len(spans)))
    return (subject, clip, *spans, 1, None, None, emotion, 100, 190, 91)


def test_a_folder_above_that_begins_as_the_long_clips_do(tmp_path):
    assert load_dataset("smic", write_smic(tmp_path / "smic_experiments", rows=FEW)).tree == "hs"


def test_published_counts_and_what_copies_lack(tmp_path):
    database = load_dataset("smic", write_smic(tmp_path))
    assert (database.tree, database.registered, database.table_version) == ("hs", True, "hs")
    assert all(found == published for _, found, published in database.published())
    assert (len(database.samples), len({s.subject for s in database.samples})) == (164, 16)
    assert kinds(database) == {"no-table": 1, "column-missing": 1, "folder-not-read": 1}
    plan = make_plan(database, Recipe(align="none", aspect="stretch", apex_policy="midpoint"))
    dropped = {sample: reason.partition(":")[0] for sample, reason in plan.dropped.items()}
    assert dropped == {
        "s18/s18_sur_03": "onset-missing",
        **dict.fromkeys(["s03/s3_po_08", "s03/s3_sur_01", "s03/s3_sur_05", "s03/s3_ne_16"], "frame-gap"),
    }
    assert "no table says it, nor do the numbers of frames in" in plan.dropped["s18/s18_sur_03"]


def test_onset_and_offset_are_the_first_and_last_frame_and_there_is_no_apex(tmp_path):
    database = load_dataset("smic", write_smic(tmp_path, rows=FEW))
    assert [(s.sample_id, s.onset, s.apex, s.offset, s.emotion) for s in database.samples] == [
        ("s01/s1_ne_01", 100, None, 109, "negative"),
        ("s11/s11_po_02", 5, None, 20, "positive"),
    ]
    found = examine(database)
    assert {row["kind"] for row in found.unusable} == {"apex-missing"}
    assert examine(database, apex_policy="midpoint").usable == 2


@pytest.mark.parametrize(
    ("home", "frame", "tree", "fps"),
    [
        ("SMIC_all_cropped/HS", "reg_image{:06d}.bmp", "hs", 100),
        ("SMIC_all_cropped/VIS", "reg_{:05d}.bmp", "vis", 25),
        ("SMIC_all_cropped/SMIC_all_cropped/NIR", "reg_image{:06d}.bmp", "nir", 25),
        ("data/HS", "reg_image{:06d}.bmp", "hs", 100),
        ("data/nir", "image{:06d}.bmp", "raw_nir", 25),
        ("SMIC_all_raw/HS", "image{:06d}.bmp", "raw_hs", 100),
    ],
)
def test_trees_are_known_by_their_folders_and_else_by_their_frames(tmp_path, home, frame, tree, fps):
    database = load_dataset("smic", write_smic(tmp_path, home=home, frame=frame, rows=FEW))
    assert (database.tree, database.registered) == (tree, not tree.startswith("raw"))
    assert {sample.fps for sample in database.samples} == {fps}


def test_a_tree_that_nothing_names_has_to_be_named(tmp_path):
    write_smic(tmp_path, home="mine", rows=FEW)
    with pytest.raises(
        DatasetNotFoundError, match=r"nothing says which frame tree lies in .*mine: name it with --tree"
    ):
        load_dataset("smic", tmp_path)
    assert load_dataset("smic", tmp_path, tree="vis").tree == "vis"
    with pytest.raises(InputError, match="'cropped'; expected hs or vis or nir or e or"):
        load_dataset("smic", tmp_path, tree="cropped")


def test_a_table_may_be_named_for_the_short_clips(tmp_path):
    write_smic(tmp_path, rows=FEW)
    table = tmp_path / "apexes.csv"
    table.write_text("Subject,Filename,OnsetF,ApexF,OffsetF,Emotion\ns1,s1_ne_01,101,104,108,negative\n")
    database = load_dataset("smic", tmp_path, table=table)
    assert [(s.sample_id, s.onset, s.apex, s.offset) for s in database.samples] == [("s01/s1_ne_01", 101, 104, 108)]
    assert kinds(database)["folder-without-row"] == 1
    assert examine(database).usable == 1


def test_the_folder_keeps_its_word_against_the_name(tmp_path):
    database = load_dataset("smic", write_smic(tmp_path, rows=[FEW[0]._replace(emotion="surprise")]))
    assert database.samples[0].emotion == "surprise"
    assert kinds(database)["label-contradicts-folder"] == 1


def test_long_clips_have_up_to_three_events_and_text_below(tmp_path):
    rows = [
        long_row(1, "s1_ne_01", 110, 120, 140, 150, 160, 175),
        long_row(2, "s2_ne_01", 110, 120, 0, 0),
    ]
    note = ("MF means micro-expression frames",)
    root = write_long(tmp_path, rows)
    write_workbook(root / LONG / "SMIC-HS-E_annotation.xlsx", {"Sheet1": [HEADER, *rows, note]})
    database = load_dataset("smic", root)
    assert database.tree == "e"
    assert [(s.sample_id, s.onset, s.offset) for s in database.samples] == [
        ("s01/s1_ne_01", 110, 120),
        ("s01/s1_ne_01@140", 140, 150),
        ("s01/s1_ne_01@160", 160, 175),
        ("s02/s2_ne_01", 110, 120),
    ]
    assert len({sample.path for sample in database.samples}) == 2
    assert (kinds(database)["rows-of-text"], kinds(database)["recording"]) == (1, 1)
    assert examine(database, apex_policy="midpoint").usable == 4


def test_long_clips_need_their_table(tmp_path, monkeypatch):
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: False)
    root = write_long(tmp_path, [long_row(1, "s1_ne_01", 110, 120)])
    (root / LONG / "SMIC-HS-E_annotation.xlsx").rename(root / LONG / "SMIC-HS-E_annotation.xls")
    with pytest.raises(DatasetNotFoundError, match=r"(?s)named like SMIC-HS-E_annotation\*.*--table") as caught:
        load_dataset("smic", root)
    assert "SMIC-HS-E_annotation.xls" in str(caught.value)


def test_subjects_in_any_notation_are_one_person(tmp_path):
    rows = [long_row(1, "s1_ne_01", 110, 120), long_row(1, "s1_ne_02", 110, 120)]
    root = write_long(tmp_path, rows)
    rows[1] = ("s01", *rows[1][1:])
    write_workbook(root / LONG / "SMIC-HS-E_annotation.xlsx", {"Sheet1": [HEADER, *rows]})
    assert {sample.subject for sample in load_dataset("smic", root).samples} == {"s01"}


def test_folders_of_subjects_that_hold_no_clips(tmp_path):
    touch(tmp_path / "SMIC_all_cropped" / "HS" / "s1", ["s1_ne_01.avi"])
    with pytest.raises(DatasetNotFoundError, match=r"tree hs in .*HS holds no clip: .*there are videos"):
        load_dataset("smic", tmp_path)


def test_two_folders_of_one_clip_are_refused(tmp_path):
    write_smic(tmp_path, rows=FEW)
    write_smic(tmp_path, home="SMIC_all_cropped/old/HS", rows=FEW)
    with pytest.raises(AnnotationError, match="two folders hold the clip"):
        load_dataset("smic", tmp_path)


@pytest.mark.parametrize("tree", ["hs", "e"])
def test_a_drawn_one_is_checked_and_built(tmp_path, sketched, tree):
    root = write_database(tmp_path / "db", layout="smic", tree=tree, subjects=1)
    database = load_dataset("smic", root)
    assert (database.tree, database.synthetic, len(database.samples)) == (tree, True, 3)
    assert examine(database, apex_policy="midpoint", decode=True).usable == 3
    recipe = default_recipe(database, align="none", size=32, apex_policy="midpoint")
    assert build_cache(database, tmp_path / "c.h5", recipe).kept == 3


def test_the_look_alike_is_whole():
    assert len({row.clip for row in smic_rows()}) == 164
