"""Frames that were renumbered by one, which no folder's listing gives away but by where it begins."""

import pytest
from lookalikes import ClipRow, touch, write_dfme, write_mmew, write_mmew_table

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError

ROWS = [ClipRow(1, "S01-01-001", 1, 6, 14, "happiness"), ClipRow(2, "S02-02-001", 1, 7, 16, "surprise")]


def renumber(root, suffix, by):
    numbered = [path for path in root.rglob(f"*{suffix}") if path.stem.isdecimal()]
    for path in sorted(numbered, key=lambda path: -by * int(path.stem)):
        path.rename(path.with_name(f"{int(path.stem) + by:0{len(path.stem)}d}{suffix}"))


def test_frames_from_0_of_a_table_from_1_are_refused(tmp_path):
    renumber(write_mmew(tmp_path, rows=ROWS), ".jpg", -1)
    with pytest.raises(AnnotationError, match=r"begin with number 0; .* cropped they begin with 1, .*Number the files"):
        load_dataset("mmew", tmp_path)


def test_frames_and_table_from_0_agree(tmp_path):
    renumber(write_mmew(tmp_path, rows=ROWS), ".jpg", -1)
    moved = [row._replace(onset=row.onset - 1, apex=row.apex - 1, offset=row.offset - 1) for row in ROWS]
    write_mmew_table(tmp_path / "MMEW_Micro_Exp.xlsx", moved)
    assert all(sample.path for sample in load_dataset("mmew", tmp_path).samples)


def test_one_folder_that_begins_elsewhere_is_no_renumbered_copy(tmp_path):
    write_mmew(tmp_path, rows=ROWS)
    touch(tmp_path / "Micro_Expression/happiness/S01-01-001", ["0.jpg"])
    assert all(sample.path for sample in load_dataset("mmew", tmp_path).samples)


def test_folders_of_onset_to_offset_begin_at_their_onset(tmp_path):
    rows = [ClipRow(3, f"sub0003_0{n}", 1, 3, 6, "anger") for n in (1, 2)]
    write_dfme(tmp_path, rows={"training_full_with_AU": rows})
    for path in tmp_path.rglob("00000.png"):
        path.unlink()
    assert all(sample.path for sample in load_dataset("dfme", tmp_path).samples)


def test_frames_from_1_of_a_table_from_0_are_refused(tmp_path):
    rows = [ClipRow(3, "sub0003_01", 0, 2, 4, "anger"), ClipRow(3, "sub0003_02", 1, 3, 6, "Contempt")]
    renumber(write_dfme(tmp_path, rows={"training_full_with_AU": rows}), ".png", 1)
    with pytest.raises(AnnotationError, match=r"begin with number 1; .* raw they begin with 0"):
        load_dataset("dfme", tmp_path)
