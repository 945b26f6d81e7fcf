"""Positions in videos: which frame is the first is seen from the number of frames, or refused."""

import pytest
from lookalikes import ClipRow, write_casme2, write_video

from mer_di.building.plan import make_plan
from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError
from mer_di.imaging.frames import read_frames
from mer_di.recipe import Recipe

ROWS = [
    ClipRow(1, "EP02_01f", 11, 14, 20, "happiness"),
    ClipRow(1, "EP03_02", 5, 8, 12, "others"),
    ClipRow(2, "EP02_01f", 7, 10, 15, "disgust"),
]


def loaded(root, lengths, folder="CASME2_Compressed video/CASME2_compressed", **choice):
    write_casme2(root, rows=ROWS, tree=None)
    for row, length in zip(ROWS, lengths, strict=True):
        if length:
            write_video(root / folder / f"sub{row.subject:02d}" / f"{row.clip}.avi", length)
    return load_dataset("casme2", root, **choice)


def finding(database, kind):
    return [found for found in database.findings if found.kind == kind]


def test_a_video_of_the_recording_begins_with_frame_1(tmp_path):
    database = loaded(tmp_path, (25, 12, 30))
    assert (database.tree, database.registered) == ("avi", False)
    assert [(s.onset, s.apex, s.offset) for s in database.samples] == [(10, 13, 19), (4, 7, 11), (6, 9, 14)]
    assert "from 1" in finding(database, "positions")[0].message
    frames = list(read_frames(database.samples[0].path, range(10, 20)))
    assert [round(frame.mean() / 3) for frame in frames] == list(range(11, 21)), (
        "the table's numbers, by what they show"
    )


def test_a_video_of_onset_to_offset_begins_with_the_onset(tmp_path):
    database = loaded(tmp_path, (10, 8, 9))
    assert [(s.onset, s.apex, s.offset) for s in database.samples] == [(0, 3, 9), (0, 3, 7), (0, 3, 8)]
    assert "onset..offset only" in finding(database, "positions")[0].message
    assert len(make_plan(database, Recipe(align="none", aspect="stretch")).clips) == 3


@pytest.mark.parametrize("lengths", [(25, 8, 30), (10, 12, None)])
def test_videos_that_contradict_each_other_are_refused(tmp_path, lengths):
    with pytest.raises(AnnotationError, match=r"cannot be known.*onset\.\.offset only.*8|10.*--dataset manifest"):
        loaded(tmp_path, lengths)


def test_videos_of_neither_length_are_refused_if_all_are_and_dropped_if_some_are(tmp_path):
    with pytest.raises(
        AnnotationError, match=r"neither: .*EP02_01f\.avi \(6 frames, 11\.\.20 in the table\), 2 in all"
    ):
        loaded(tmp_path / "all", (6, 6, None))
    for name, lengths in (("whole", (25, 6, 30)), ("cut", (10, 6, 9))):
        database = loaded(tmp_path / name, lengths)
        assert [found.where for found in finding(database, "video-length")] == ["sub01/EP03_02"]
        sample = database.samples[1]
        assert sample.offset >= 6, "past the end, so that a build drops it by name"


def test_an_unreadable_video_decides_nothing(tmp_path):
    root = tmp_path / "db"
    loaded(root, (25, 12, 30))
    (root / "CASME2_Compressed video/CASME2_compressed/sub01/EP02_01f.avi").write_bytes(b"RIFF\x00\x01 no video")
    database = load_dataset("casme2", root)
    assert [sample.onset for sample in database.samples] == [10, 4, 6]


def test_a_renamed_folder_of_videos_is_known_by_them_and_images_come_first(tmp_path):
    assert loaded(tmp_path / "a", (25, 12, 30), folder="clips").tree == "avi"
    write_casme2(tmp_path / "a", rows=ROWS, tree="raw")
    assert load_dataset("casme2", tmp_path / "a").tree == "raw"
    assert load_dataset("casme2", tmp_path / "a", tree="avi").tree == "avi"
    write_casme2(tmp_path / "b", rows=ROWS, tree="raw")
    (tmp_path / "b" / "CASME2_RAW").rename(tmp_path / "b" / "mine")
    assert loaded(tmp_path / "b", (25, 12, 30), folder="mine").tree == "raw", "videos beside folders of images"


def test_videos_where_images_are_expected_are_told(tmp_path):
    with pytest.raises(
        DatasetNotFoundError, match=r"tree cropped.*folders of images; there are videos, such as .*\.avi"
    ):
        loaded(tmp_path, (25, 12, 30), folder="Cropped")
