"""Anybody's data, by a table of paths."""

from collections import Counter
from dataclasses import replace

import pytest
from lookalikes import touch, write_workbook

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError

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


def test_a_path_under_two_subjects_is_told(tmp_path):
    touch(tmp_path / "a", ["1.jpg"])
    touch(tmp_path / "b", ["1.jpg"])
    lines = ("anna,one,a,1,2,3,x", "ben,one,./a,1,2,3,x", "ben,two,b,1,2,3,x", "ben,two,b,4,5,6,x")
    found = [f for f in load_dataset("manifest", write(tmp_path, *lines)).findings if f.kind == "path-of-two-subjects"]
    assert [finding.where for finding in found] == [str(tmp_path / "a")]
    assert "'anna' and 'ben'" in found[0].message


@pytest.mark.parametrize("reads", [True, False])
def test_a_manifest_of_another_format_is_found_where_it_can_be_read(tmp_path, monkeypatch, reads):
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: reads)
    (tmp_path / "manifest.ods").write_bytes(b"of no table")
    with pytest.raises(AnnotationError if reads else DatasetNotFoundError, match=r"manifest\.ods"):
        load_dataset("manifest", tmp_path)


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


@pytest.mark.parametrize("fps", ["fast", "0", "-25", "nan", "inf", "1e300", "9" * 20])
def test_frame_rates_that_are_none(tmp_path, fps):
    (sample,) = load_dataset("manifest", write(tmp_path, f"p,one,a,1,2,3,x,{fps}", header=f"{HEADER},fps")).samples
    assert (sample.fps, sample.unread) == (None, (("fps", fps),))


def test_blank_path(tmp_path):
    with pytest.raises(AnnotationError, match="row 2: the cell 'path' is blank"):
        load_dataset("manifest", write(tmp_path, "p,one,,1,2,3,x"))


def test_a_slash_in_the_subject_would_blur_sample_ids(tmp_path):
    with pytest.raises(AnnotationError, match="holds a slash"):
        load_dataset("manifest", write(tmp_path, "a/b,c,v,1,2,3,x"))


def test_several_micro_expressions_of_a_recording_keep_their_names_when_rows_are_added(tmp_path):
    names = {20: "p/one", 40: "p/one@40", 4: "p/one@4", 60: "q/one"}
    rows = [f"{name[0]},one,v,{onset},{onset + 2},{onset + 9},x" for onset, name in names.items()]
    for count in range(1, 5):
        samples = load_dataset("manifest", write(tmp_path, *rows[:count])).samples
        assert {sample.onset: sample.sample_id for sample in samples} == dict([*names.items()][:count])


def test_a_recording_is_told_and_its_samples_keep_clip_and_path(tmp_path):
    touch(tmp_path, ["v.mp4"])
    database = load_dataset("manifest", write(tmp_path, "p,one,v.mp4,1,2,3,x", "p,one,v.mp4,4.0,5,6,x"))
    assert [(s.clip, s.path) for s in database.samples] == [("one", tmp_path / "v.mp4")] * 2
    (finding,) = database.findings
    assert (finding.kind, finding.where) == ("recording", "p/one")
    assert "2 rows" in finding.message
    assert "'p/one@4'" in finding.message


@pytest.mark.parametrize("second", ["p,one,v,1,2,9,y", "p,one,v,01,2,3,x", "p,one,v,1.0,2,3,x"])
def test_one_onset_twice_in_a_recording_is_refused(tmp_path, second):
    with pytest.raises(
        AnnotationError, match=r"two rows for the clip p/one@1 and its onset .*row 2; .*row 4"
    ) as caught:
        load_dataset("manifest", write(tmp_path, "p,one,v,1,2,3,x", "p,two,v,1,2,3,x", second))
    assert "different names" in str(caught.value)


def test_a_clip_named_like_a_recordings_event_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match="two rows for the clip p/one@4"):
        load_dataset("manifest", write(tmp_path, "p,one,v,1,2,3,x", "p,one@4,v,1,2,3,x", "p,one,v,4,5,6,x"))


def test_without_an_apex_column_the_apex_is_missing_and_nothing_else(tmp_path):
    table = write(tmp_path, "p,one,v,1,3,x", header="subject,clip,path,onset,offset,emotion")
    database = load_dataset("manifest", table)
    assert (database.samples[0].apex, database.samples[0].unread) == (None, ())
    (finding,) = [finding for finding in database.findings if finding.kind == "column-missing"]
    assert "no column apex; --apex-policy spot looks for it in the frames, midpoint takes" in finding.message


def test_names_of_the_columns_in_messages_are_the_documented_ones(tmp_path):
    table = write(tmp_path, "p,one,v,1,2,3,x", header="subject,clip,path,onset,apex,offset,Label")
    with pytest.raises(AnnotationError) as caught:
        load_dataset("manifest", table)
    for part in ("columns subject, clip, path, onset, offset, emotion", "apex, offset, Label", "missing: emotion."):
        assert part in str(caught.value)


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 3000, "a\0b", "\x1b[31m", "a/" + "y" * 256])
def test_a_path_that_no_file_system_takes_loses_its_row_alone(tmp_path, path):
    touch(tmp_path / "a", ["1.png"])
    fine, lost = load_dataset("manifest", write(tmp_path, "p,one,a,1,2,3,x", f"p,two,{path},1,2,3,x")).samples
    assert (fine.path, fine.sought) == (tmp_path / "a", "")
    assert lost.path is None
    assert lost.sought.startswith(str(tmp_path))
    assert lost.sought.isprintable()
    assert len(lost.sought) < 4200


def test_what_was_looked_for_is_said_with_the_way_out(tmp_path):
    (finding,) = load_dataset("manifest", write(tmp_path, "p,one,gone,1,2,3,x", "p,two,lost,1,2,3,x")).findings
    assert finding.kind == "path-not-found"
    assert str(tmp_path / "gone") in finding.message
    assert "2 of 2 paths" in finding.message
    assert "--root" in finding.message


def test_paths_start_from_the_root_where_the_table_lies_elsewhere(tmp_path):
    (tmp_path / "lists").mkdir()
    touch(tmp_path / "data" / "a", ["1.png"])
    table = write(tmp_path / "lists", "p,one,a,1,2,3,x", name="list.csv")
    database = load_dataset("manifest", tmp_path / "data", table=table)
    assert (database.root, database.table) == (tmp_path / "data", table)
    assert database.samples[0].path == tmp_path / "data" / "a"
    assert load_dataset("manifest", table).samples[0].path is None
    with pytest.raises(DatasetNotFoundError, match="no such folder does not exist"):
        load_dataset("manifest", tmp_path / "no such folder", table=table)
    with pytest.raises(DatasetNotFoundError, match="a file, and --table"):
        load_dataset("manifest", table, table=table)


@pytest.fixture
def outside(tmp_path):
    """A clip, and beside it the folder of a manifest."""
    touch(tmp_path / "out" / "clip", ["1.png"])
    (tmp_path / "in").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize(
    "way", ["up", "absolute", "link to a folder", "link above", "link to a frame", "link to a video"]
)
def test_whatever_leads_out_of_the_folder_is_refused_unless_allowed(tmp_path, outside, way):
    home = tmp_path / "in"
    path = "x"
    if way == "up":
        path = "../out/clip"
    elif way == "absolute":
        path = str(outside / "clip")
    elif way == "link to a folder":
        (home / "x").symlink_to(outside / "clip")
    elif way == "link above":
        (home / "y").symlink_to("../out")
        path = "y/clip"
    elif way == "link to a frame":
        (home / "x").mkdir()
        (home / "x" / "1.png").symlink_to(outside / "clip" / "1.png")
    else:
        (home / "x").symlink_to(outside / "clip" / "1.png")
    table = write(home, f"p,one,{path},1,2,3,x")
    with pytest.raises(AnnotationError, match=r"row 2: the path .* leads out of .*: it is .*/out/clip.*--allow"):
        load_dataset("manifest", table)
    with pytest.raises(AnnotationError, match="leads out"):
        load_dataset("manifest", table, allow=[home])
    assert load_dataset("manifest", table, allow=[outside]).samples[0].path is not None


def test_links_and_absolute_paths_that_stay_inside_are_fine(tmp_path):
    touch(tmp_path / "in" / "a", ["1.png"])
    (tmp_path / "in" / "b").symlink_to("a")
    (tmp_path / "way").symlink_to("in")
    write(tmp_path / "in", "p,one,b,1,2,3,x", f"p,two,{tmp_path / 'in' / 'a'},1,2,3,x")
    for home in (tmp_path / "in", tmp_path / "way"):
        assert all(sample.path for sample in load_dataset("manifest", home).samples)


def test_a_link_that_leads_in_a_circle_loses_its_row(tmp_path):
    (tmp_path / "x").symlink_to("x")
    assert load_dataset("manifest", write(tmp_path, "p,one,x,1,2,3,x")).samples[0].path is None


def test_only_a_folder_can_be_allowed_and_only_to_a_table_with_paths(tmp_path):
    table = write(tmp_path, "p,one,x,1,2,3,x")
    with pytest.raises(DatasetNotFoundError, match="gone is no folder"):
        load_dataset("manifest", table, allow=[tmp_path / "gone"])
    with pytest.raises(InputError, match="the table of mmew holds no paths"):
        load_dataset("mmew", tmp_path, allow=[tmp_path])


@pytest.mark.parametrize(
    ("name", "cell"), [("subject", "a\0b"), ("clip", '"a\nb"'), ("emotion", "x\x07"), ("AU", "4\0")]
)
def test_control_characters_in_names_are_refused(tmp_path, name, cell):
    row = {"subject": "p", "clip": "one", "path": "v", "onset": 1, "apex": 2, "offset": 3, "emotion": "x", "AU": 4}
    table = write(tmp_path, ",".join(map(str, (row | {name: cell}).values())), header=",".join(row))
    with pytest.raises(AnnotationError, match=r"row 2: the cell .* control character"):
        load_dataset("manifest", table)


def test_missing_column_names_it(tmp_path):
    with pytest.raises(AnnotationError, match="missing: path"):
        load_dataset("manifest", write(tmp_path, "p,one,1,2,3,x", header="subject,clip,onset,apex,offset,emotion"))


def test_a_folder_needs_exactly_one(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"holds no annotation table named like manifest \(\.xlsx"):
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
    rows = [
        f"{subject},c{number},{number},1,2,3,x" for number, subject in enumerate(("S01", "s1", "2", "Anna", "anna"))
    ]
    for number in range(len(rows)):
        touch(tmp_path / str(number), ["1.png", "2.png", "3.png"])
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
