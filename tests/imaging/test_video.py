"""Videos against a full decode in order."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures_on_disk import picture, refused

from mer_di.imaging.frames import read_frames
from mer_di.imaging.listing import require_listed


@pytest.fixture(scope="module")
def lossless_video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "clip: 50 %.avi"
    pictures = [picture(seed, 32, 48) for seed in range(12)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 25, (48, 32))
    assert writer.isOpened()
    for image in pictures:
        writer.write(image[..., ::-1])
    writer.release()
    return path, pictures


def decoded_in_order(path):
    capture = cv2.VideoCapture(str(path))
    while True:
        more, frame = capture.read()
        if not more:
            return
        yield frame[..., ::-1]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 11), st.integers(0, 11))
def test_any_window_of_a_video_is_that_of_a_full_decode(lossless_video, first, last):
    path, pictures = lossless_video
    window = range(min(first, last), max(first, last) + 1)
    read = list(read_frames(path, window))
    assert len(read) == len(window)
    np.testing.assert_array_equal(np.stack(read), np.stack(pictures[window.start : window.stop]))


def test_a_video_that_ends_early_says_how_many_frames_it_decodes_to(lossless_video):
    path, _ = lossless_video
    reading = read_frames(path, range(10, 13))
    assert len([next(reading), next(reading)]) == 2
    assert "decodes to 12 frames" in refused("frames-missing", lambda: next(reading))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000)])
def test_a_file_that_is_no_video_is_told(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    require_listed(path, range(3))
    refused("clip-unreadable", lambda: next(read_frames(path, range(3))))


@pytest.mark.parametrize("name", ["bbaf2n", "swiz3n"])
@pytest.mark.parametrize("window", [range(1), range(12, 20), range(70, 75), range(3, 40, 9)])
def test_windows_of_mpeg_match_a_sequential_decode(media, name, window):
    path = media / "grid" / f"{name}.mpg"
    whole = list(decoded_in_order(path))
    np.testing.assert_array_equal(np.stack(list(read_frames(path, window))), np.stack([whole[at] for at in window]))


def test_the_header_of_a_video_is_not_believed(media):
    path = media / "pyfeat" / "no_face.mp4"
    assert next(read_frames(path, range(94, 95))).shape == (540, 960, 3)
    assert "decodes to 95 frames" in refused("frames-missing", lambda: list(read_frames(path, range(94, 98))))


def test_variable_frame_rate_is_read_by_position(media):
    path = media / "pyfeat" / "face_noface.mov"
    window = range(66, 76)
    expected = [frame for position, frame in enumerate(decoded_in_order(path)) if position in window]
    np.testing.assert_array_equal(np.stack(list(read_frames(path, window))), np.stack(expected))
