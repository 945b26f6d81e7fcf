"""Anybody's data, by a table of paths."""

from collections import Counter
from dataclasses import replace

import pytest
from lookalikes import touch, write_workbook

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError

HEADER = "subject,clip,path,onset,apex,offset,emotion"


def write(folder, *lines, header=HEADER, name="manifest.csv"):
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder / name


def test_the_real_faces(media):
    database = load_dataset("manifest", media / "manifest.csv")
    assert len(database.samples) == 44
    assert Counter(sample.emotion for sample in database.samples) == {"still": 22, "speaking": 22}
    assert len({sample.subject for sample in database.samples}) == 10
    assert all(sample.path.is_file() for sample in database.samples)
    assert (database.tree, database.registered, database.applied, database.findings) == (None, False, (), ())
    assert (database.table_version, database.root) == ("unversioned", media)
    assert load_dataset("manifest", media).samples == database.samples


def test_folders_and_files_and_absent_ones(tmp_path):
    touch(tmp_path / "a" / "frames", ["1.jpg"])
    touch(tmp_path, ["v.mp4"])
    table = write(tmp_path, "p,one,a/frames,1,2,3,Other", "p,two,./v.mp4,0,/,9,calm", "q,one,gone,1,2,3,calm")
    one, two, gone = load_dataset("manifest", table).samples
    assert (one.path, two.path, gone.path) == (tmp_path / "a" / "frames", tmp_path / "v.mp4", None)
    assert (one.emotion, one.emotion_written, one.fps, one.dataset) == ("others", "Other", None, "manifest")
    assert (two.onset, two.apex, two.unread) == (0, None, (("apex", "/"),))


def test_several_windows_of_one_video(tmp_path):
    touch(tmp_path, ["v.mp4"])
    samples = load_dataset("manifest", write(tmp_path, "p,one,v.mp4,0,2,3,x", "p,two,v.mp4,4,5,9,x")).samples
    assert [sample.path for sample in samples] == [tmp_path / "v.mp4"] * 2


def test_a_workbook_with_optional_columns(tmp_path):
    header = ["Subject", "Clip", "Path", "Onset", "Apex", "Offset", "Emotion", "FPS", "Action Units"]
    lines = [header, [1, 2.0, "v", 0, 2, 3, "x", 29.97, 12], ["2", "c", "v", 0, 2, 3, "x", None, "4+7"]]
    write_workbook(tmp_path / "manifest.xlsx", {"any": lines})
    first, second = load_dataset("manifest", tmp_path).samples
    assert (first.sample_id, first.fps, first.action_units) == ("1/2", 29.97, "12")
    assert (second.sample_id, second.fps, second.action_units) == ("2/c", None, "4+7")


def test_backslashes_are_separators(tmp_path):
    touch(tmp_path / "a" / "b", ["1.jpg"])
    (sample,) = load_dataset("manifest", write(tmp_path, r"p,one,a\b,1,2,3,x")).samples
    assert sample.path == tmp_path / "a" / "b"


def test_a_detour_that_stays_inside_is_fine(tmp_path):
    touch(tmp_path / "a", ["1.jpg"])
    (sample,) = load_dataset("manifest", write(tmp_path, "p,one,b/../a,1,2,3,x")).samples
    assert sample.path == tmp_path / "a"


@pytest.mark.parametrize(
    "path", ["..", "../x", "a/../../x", "/etc", "//host/share", r"..\x", r"C:\x", "C:x", r"\x", "~/x", "a/../.."]
)
def test_paths_out_of_the_folder_are_refused_with_their_row(tmp_path, path):
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    touch(inside / "a", ["1.jpg"])
    with pytest.raises(AnnotationError, match=r"manifest\.csv, comma, row 3: the path .* leads out"):
        load_dataset("manifest", write(inside, "p,one,a,1,2,3,x", f"p,two,{path},1,2,3,x"))


@pytest.mark.parametrize("fps", ["fast", "0", "-25", "nan", "inf"])
def test_frame_rates_that_are_none(tmp_path, fps):
    table = write(tmp_path, f"p,one,a,1,2,3,x,{fps}", header=f"{HEADER},fps")
    with pytest.raises(AnnotationError, match=rf"row 2: fps is '{fps}'"):
        load_dataset("manifest", table)


def test_blank_path(tmp_path):
    with pytest.raises(AnnotationError, match="row 2: the cell 'path' is blank"):
        load_dataset("manifest", write(tmp_path, "p,one,,1,2,3,x"))


def test_a_slash_in_the_subject_would_blur_sample_ids(tmp_path):
    with pytest.raises(AnnotationError, match="holds a slash"):
        load_dataset("manifest", write(tmp_path, "a/b,c,v,1,2,3,x"))


def test_the_same_clip_twice(tmp_path):
    with pytest.raises(AnnotationError, match=r"two rows for the clip p/one .*row 2; .*row 4"):
        load_dataset("manifest", write(tmp_path, "p,one,v,1,2,3,x", "p,two,v,1,2,3,x", "p,one,v,4,5,6,x"))


def test_missing_column_names_it(tmp_path):
    with pytest.raises(AnnotationError, match="missing: path"):
        load_dataset("manifest", write(tmp_path, "p,one,1,2,3,x", header="subject,clip,onset,apex,offset,emotion"))


def test_a_folder_needs_exactly_one(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"holds no manifest\.csv"):
        load_dataset("manifest", tmp_path)
    write(tmp_path, "p,one,v,1,2,3,x")
    write_workbook(tmp_path / "manifest.xlsx", {"S": []})
    with pytest.raises(AnnotationError, match=r"manifest\.csv, manifest\.xlsx; name the one"):
        load_dataset("manifest", tmp_path)


def test_a_table_named_by_hand(tmp_path):
    other = write(tmp_path, "p,one,v,1,2,3,x", name="mine.csv")
    assert load_dataset("manifest", table=other) == load_dataset("manifest", other)


def test_root_from_the_variable(tmp_path, monkeypatch):
    (tmp_path / "manifest").mkdir()
    table = write(tmp_path / "manifest", "p,one,v,1,2,3,x")
    monkeypatch.setenv("MER_DI_DATA", str(tmp_path))
    assert load_dataset("manifest").table == table


def test_order_of_rows_does_not_matter(tmp_path):
    lines = ["q,b,v,1,2,3,x", "p,z,v,1,2,3,y", "p,a,v,1,2,3,x"]
    forward = load_dataset("manifest", write(tmp_path, *lines))
    backward = load_dataset("manifest", write(tmp_path, *reversed(lines)))
    assert forward.samples == backward.samples
    assert [sample.sample_id for sample in forward.samples] == ["p/a", "p/z", "q/b"]
    assert forward == replace(backward, table_sha256=forward.table_sha256)


def test_one_person_under_two_spellings_is_pointed_at(tmp_path):
    touch(tmp_path / "a", ["1.png", "2.png", "3.png"])
    rows = [f"{subject},c{number},a,1,2,3,x" for number, subject in enumerate(("S01", "s1", "2", "Anna", "anna"))]
    findings = load_dataset("manifest", write(tmp_path, *rows)).findings
    assert {(item.kind, item.where) for item in findings} == {
        ("subject-spellings", "S01, s1"),
        ("subject-spellings", "Anna, anna"),
    }


@pytest.mark.parametrize("cell", ["1" * 5000, "9" * 19])
def test_a_number_that_no_frame_has_is_no_number(tmp_path, cell):
    touch(tmp_path / "a", ["1.png", "2.png", "3.png"])
    (sample,) = load_dataset("manifest", write(tmp_path, f"s,c,a,1,2,{cell},x")).samples
    assert sample.offset is None
    assert len(dict(sample.unread)["offset"]) < 80
