"""Which folder is whose clip, by the example of CASME II, which has three trees."""

import shutil

import pytest
from few_clips import FEW, kinds, sample_of, write_few
from lookalikes import touch, write_casme2, write_casme2_table, write_casme2_tree

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError


@pytest.mark.parametrize(
    ("folder", "tree"),
    [
        ("Cropped", "cropped"),
        ("Cropped/Cropped", "cropped"),
        ("CROPPED", "cropped"),
        ("CASME2/Cropped/Cropped", "cropped"),
        ("CASME2_RAW_selected", "selected"),
        ("CASME2_RAW_selected/CASME2_RAW_selected", "selected"),
        ("casme2-raw-selected", "selected"),
        ("CASME2_RAW/CASME2-RAW", "raw"),
        ("CASME2-RAW", "raw"),
        ("casme2_raw", "raw"),
    ],
)
def test_names_of_the_trees(tmp_path, folder, tree):
    write_casme2_table(tmp_path / "CASME2-coding-20140508.xlsx", FEW)
    write_casme2_tree(tmp_path / folder, FEW, tree=tree)
    database = load_dataset("casme2", tmp_path)
    assert (database.tree, database.registered) == (tree, tree == "cropped")
    assert all(sample.path.parent.parent == tmp_path / folder for sample in database.samples)


@pytest.mark.parametrize(("kind", "tree"), [("cropped", "cropped"), ("raw", "raw")])
@pytest.mark.parametrize("folder", ["", "my frames", "downloads/july"])
def test_a_renamed_tree_is_known_by_its_frames(tmp_path, kind, tree, folder):
    write_casme2_table(tmp_path / "CASME2-coding-20140508.xlsx", FEW)
    write_casme2_tree(tmp_path / folder, FEW, tree=kind)
    assert load_dataset("casme2", tmp_path).tree == tree


@pytest.mark.parametrize("name", ["Cropped", "Cropped/Cropped"])
def test_root_may_be_the_tree_itself(tmp_path, name):
    write_casme2_table(tmp_path / "CASME2-coding-20140508.xlsx", FEW)
    write_casme2_tree(tmp_path / "Cropped/Cropped", FEW)
    assert load_dataset("casme2", tmp_path / name).tree == "cropped"


def test_root_may_be_a_folder_above(tmp_path):
    write_casme2(tmp_path / "CASME2", rows=FEW, doubled=True)
    assert len(load_dataset("casme2", tmp_path).samples) == 2


def test_of_several_trees_cropped_then_selected_then_raw(tmp_path):
    root = tmp_path / "CASME2"
    for expected in ("raw", "selected", "cropped"):
        write_casme2(root, rows=FEW, tree=expected, doubled=True)
        database = load_dataset("casme2", root)
        assert database.tree == expected
        assert kinds(database)["tree-chosen"] == (expected != "raw")
    for wanted in ("raw", "selected", "cropped"):
        database = load_dataset("casme2", root, tree=wanted)
        assert (database.tree, kinds(database)["tree-chosen"]) == (wanted, 0)


def test_a_tree_that_is_not_there_or_does_not_exist(tmp_path):
    write_few(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="no frame tree 'raw', only cropped"):
        load_dataset("casme2", tmp_path, tree="raw")
    with pytest.raises(InputError, match="'krop'; expected cropped or selected or raw"):
        load_dataset("casme2", tmp_path, tree="krop")


def test_a_table_without_frames(tmp_path):
    write_casme2(tmp_path, rows=FEW, tree=None)
    with pytest.raises(DatasetNotFoundError, match=r"no frames: no folder of a subject, such as sub01"):
        load_dataset("casme2", tmp_path)


def test_a_clip_that_is_not_on_disk_keeps_its_row(tmp_path):
    write_few(tmp_path)
    shutil.rmtree(tmp_path / "Cropped" / "sub02" / "EP02_01f")
    database = load_dataset("casme2", tmp_path)
    assert [(sample.path is None, sample.sought) for sample in database.samples] == [
        (False, ""),
        (True, str(tmp_path / "Cropped" / "sub02" / "EP02_01f")),
    ]


def test_a_tree_in_two_parts_is_one_and_a_clip_in_both_is_refused(tmp_path):
    write_casme2(tmp_path, rows=FEW, tree=None)
    write_casme2_tree(tmp_path / "Cropped" / "part 1", FEW[:1])
    touch(tmp_path / "Cropped" / "part 2" / "sub02" / "EP02_01f", ["reg_img3.jpg"])
    assert all(sample.path for sample in load_dataset("casme2", tmp_path).samples)
    touch(tmp_path / "Cropped" / "part 2" / "sub01" / "ep02_01F", ["reg_img3.jpg"])
    with pytest.raises(AnnotationError, match=r"two folders hold the clip sub01/.*part 1.*part 2.*--root"):
        load_dataset("casme2", tmp_path)


def test_case_of_clip_folders_does_not_matter(tmp_path):
    write_few(tmp_path)
    (tmp_path / "Cropped" / "sub01").rename(tmp_path / "Cropped" / "Sub01")
    (tmp_path / "Cropped" / "Sub01" / "EP02_01f").rename(tmp_path / "Cropped" / "Sub01" / "ep02_01f")
    assert sample_of(load_dataset("casme2", tmp_path), "sub01/EP02_01f").path.name == "ep02_01f"


def test_names_above_the_root_say_nothing_about_the_tree(tmp_path):
    write_casme2_table(tmp_path / "raw" / "mine" / "CASME2-coding.xlsx", FEW)
    write_casme2_tree(tmp_path / "raw" / "mine" / "faces", FEW, tree="cropped")
    assert load_dataset("casme2", tmp_path / "raw" / "mine").tree == "cropped"
