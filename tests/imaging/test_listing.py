"""What a folder or a video holds, told without decoding."""

import os

import pytest
from pictures_on_disk import refused, touch

from mer_di.imaging.frames import read_frames
from mer_di.imaging.listing import list_frames, require_listed


def test_frames_are_listed_by_last_number_whatever_the_padding(tmp_path):
    touch(tmp_path, "reg_img10.JPG", "reg_img9.jpg", "006_05562.Png", "s2_00011_crop.tiff", "0012.bmp", "a1b13.JPEG")
    listed = list_frames(tmp_path)
    assert list(listed) == [9, 10, 11, 12, 13, 5562]
    assert [file.name for file in listed.values()] == [
        "reg_img9.jpg",
        "reg_img10.JPG",
        "s2_00011_crop.tiff",
        "0012.bmp",
        "a1b13.JPEG",
        "006_05562.Png",
    ]
    assert all(file.parent == tmp_path for file in listed.values())


def test_what_is_no_frame_is_passed_over(tmp_path):
    touch(tmp_path, "img1.jpg", "Thumbs.db", ".DS_Store", "._img1.jpg", ".hidden2.png", "notes3.txt", "clip4.avi", "5")
    (tmp_path / "img6.jpg").mkdir()
    assert list_frames(tmp_path) == {1: tmp_path / "img1.jpg"}


@pytest.mark.parametrize("twins", [("img7.jpg", "img007.jpg"), ("img7.jpg", "img7.png"), ("a7.jpg", "b7.jpg")])
def test_one_number_twice_is_ambiguous(tmp_path, twins):
    detail = refused("frames-ambiguous", lambda: list_frames(touch(tmp_path, *twins, "img1.jpg")))
    assert all(name in detail for name in twins)
    assert "frame 7" in detail


def test_an_image_without_a_number_is_named(tmp_path):
    assert "cover.jpg" in refused("frame-unnumbered", lambda: list_frames(touch(tmp_path, "img1.jpg", "cover.jpg")))


def test_an_absent_folder_is_a_sample_error(tmp_path):
    assert "nowhere" in refused("clip-not-found", lambda: list_frames(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("stored", "asked", "kind", "missing"),
    [
        ([46, 47, 48], range(46, 50), "frames-missing", "missing are 49"),
        ([2, 3, 4], range(1, 5), "frames-missing", "missing are 1"),
        ([1, 5], range(3, 9), "frames-missing", "missing are 3..4, 6..8"),
        ([], range(1, 4), "frames-missing", "holds no image"),
        ([1, 2, 5, 7, 8], range(1, 9), "frame-gap", "missing are 3..4, 6"),
    ],
)
def test_what_is_missing_is_told(tmp_path, stored, asked, kind, missing):
    touch(tmp_path, *(f"img{number}.jpg" for number in stored))
    detail = refused(kind, lambda: require_listed(tmp_path, asked))
    assert missing in detail
    assert f"{asked[0]}..{asked[-1]}" in detail
    assert refused(kind, lambda: next(read_frames(tmp_path, asked))) == detail


def test_many_gaps_make_a_short_message(tmp_path):
    touch(tmp_path, *(f"img{number}.jpg" for number in range(0, 401, 2)))
    detail = refused("frame-gap", lambda: require_listed(tmp_path, range(401)))
    assert "missing are 1, 3, 5, 7, 9, 11, …" in detail


def test_a_whole_clip_passes_and_more_frames_do_no_harm(tmp_path):
    touch(tmp_path, *(f"img{number}.jpg" for number in range(1, 20)))
    require_listed(tmp_path, range(3, 18))


def test_a_missing_video_is_told(tmp_path):
    for call in (require_listed, lambda *arguments: next(read_frames(*arguments))):
        assert "gone.mp4" in refused("clip-not-found", lambda call=call: call(tmp_path / "gone.mp4", range(3)))


def test_an_image_is_no_video(tmp_path):
    (tmp_path / "1.PNG").write_bytes(b"")
    assert "is an image; expected the folder" in refused(
        "clip-unreadable", lambda: require_listed(tmp_path / "1.PNG", range(3))
    )


def test_other_things_beside_the_frames_are_named(tmp_path):
    (tmp_path / "crop").mkdir()
    (tmp_path / "1.webp").write_bytes(b"")
    told = refused("frames-missing", lambda: require_listed(tmp_path, range(3)))
    assert "1 folder crop" in told
    assert "1 .webp" in told


def test_positions_in_a_video_start_at_zero(tmp_path):
    path = touch(tmp_path, "clip.avi") / "clip.avi"
    require_listed(path, range(3))
    assert "start at 0" in refused("frames-missing", lambda: require_listed(path, range(-1, 3)))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["0001.dcm", "0002.dcm", "clip.avi"], ["no image", "2 .dcm", "1 .avi"]),
        (["img1.png", "img2.webp", "img3.WEBP"], ["2 .webp"]),
        (["1", "2"], ["2 without a suffix"]),
    ],
)
def test_files_of_a_format_that_is_not_read_are_not_denied(tmp_path, names, said):
    detail = refused("frames-missing", lambda: require_listed(touch(tmp_path, *names), range(1, 4)))
    assert all(words in detail for words in said)
    assert ".png" in detail.partition("read are")[2]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_what_is_no_file_is_no_frame_and_is_told(tmp_path):
    touch(tmp_path, "img1.png", "img2.png", "img6.png")
    (tmp_path / "img3.png").mkdir()
    os.mkfifo(tmp_path / "img4.png")
    (tmp_path / "img5.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "img7.png").symlink_to(tmp_path / "img7.png")
    for number in (3, 4, 5, 7):
        detail = refused("frames-missing", lambda number=number: next(read_frames(tmp_path, range(number, number + 1))))
        assert "missing are" in detail
        assert "(no file)" in detail
    os.mkfifo(tmp_path / "clip.avi")
    assert "no regular file" in refused("clip-not-found", lambda: next(read_frames(tmp_path / "clip.avi", range(3))))


def test_a_path_that_no_file_can_have_is_not_found(tmp_path):
    touch(tmp_path, "img1.png")
    for name in ("a" * 300, "a\0b", "img1.png/clip.avi"):
        refused("clip-not-found", lambda name=name: require_listed(tmp_path / name, range(3)))
