"""One face: found, tracked, smoothed."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from one_face import assert_looks_like_a_face, eye_distance
from scipy.signal import savgol_filter

from mer_di.errors import InputError, SampleError
from mer_di.imaging import placement, warp
from mer_di.imaging.face import Face, FaceFinder, smoothed
from mer_di.imaging.frames import read_frames

GRID = (
    "bbaf2n",
    "brbk7n",
    "id2_vcd_swwp2s",
    "lbax4n",
    "lbbc2a",
    "lrwp9a",
    "lwbsza",
    "pwij3p",
    "sbia1a",
    "sbwe5n",
    "swiz3n",
)


@pytest.fixture
def still(media):
    return lambda name: cv2.imread(str(media / "stills" / name), cv2.IMREAD_COLOR_RGB)


def test_a_portrait_is_found(finder, portrait):
    found = finder.find(portrait)
    assert_looks_like_a_face(found)
    by_eye = [(255, 104), (238, 105), (195, 101), (211, 103), (224, 135)]
    np.testing.assert_allclose(found.landmarks, by_eye, atol=3)


@pytest.mark.parametrize("scale", [0.45, 0.8, 2.0, 3.4])
def test_the_size_of_the_frame_does_not_matter(finder, portrait, scale):
    found = finder.find(portrait)
    scaled = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    placed = (finder.find(scaled).landmarks + 0.5) / scale - 0.5
    assert np.abs(placed - found.landmarks).mean() < 0.04 * eye_distance(found)


def test_grey_and_strided_frames_are_read_too(finder, portrait):
    found = finder.find(portrait)
    grey = finder.find(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY))
    assert np.abs(grey.landmarks - found.landmarks).max() < 0.05 * eye_distance(found)
    reversed_channels = portrait[..., ::-1].copy()[..., ::-1]
    np.testing.assert_array_equal(finder.find(reversed_channels).landmarks, found.landmarks)


@pytest.mark.parametrize("size", [(1, 2), (1, 900), (900, 2), (3, 640), (12, 311)])
def test_a_tiny_or_narrow_frame_is_no_crash(finder, size):
    with pytest.raises(SampleError, match="face-not-found"):
        finder.find(np.zeros((*size, 3), np.uint8))


@pytest.mark.parametrize(
    "frame",
    [np.zeros((50, 50, 4), np.uint8), np.zeros((50, 50, 3)), np.zeros((50, 50), np.uint16), np.zeros((0, 5), np.uint8)],
)
def test_what_is_no_frame_is_refused(finder, frame):
    with pytest.raises(InputError, match="frame is"):
        finder.find(frame)


def test_grey_is_found_as_three_equal_channels(finder, portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    alone, thrice = finder.find(grey), finder.find(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    assert alone.box == thrice.box
    np.testing.assert_array_equal(alone.landmarks, thrice.landmarks)


def test_two_faces_drop_or_largest(finder, portrait):
    head = portrait[:240, 110:340]
    both = np.full((400, 640, 3), 127, np.uint8)
    both[:288, :276] = cv2.resize(head, (276, 288))
    both[:384, 276:] = cv2.resize(head, (364, 384))
    with pytest.raises(SampleError, match="2 faces at") as caught:
        finder.find(both)
    assert caught.value.kind == "several-faces"
    largest = FaceFinder(several="largest").find(both)
    assert_looks_like_a_face(largest)
    assert largest.landmarks[:, 0].min() > 276


def test_an_unknown_rule_for_several_faces_is_refused():
    with pytest.raises(InputError, match="'smallest'"):
        FaceFinder(several="smallest")


def test_threads_share_a_finder(finder, portrait):
    pictures = [np.roll(portrait, 20 * k, axis=0) for k in range(3)]
    alone = [finder.find(picture).landmarks for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda k: finder.find(pictures[k % 3]).landmarks, range(12)))
    for k, found in enumerate(together):
        np.testing.assert_array_equal(found, alone[k % 3])


def test_a_finder_travels_to_another_process(finder, portrait):
    luggage = pickle.dumps(finder)
    assert len(luggage) < 1000
    np.testing.assert_array_equal(pickle.loads(luggage).find(portrait).landmarks, finder.find(portrait).landmarks)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, -2), (12, 9)])
def test_a_moved_face_is_followed(finder, portrait, dx, dy):
    found = finder.find(portrait)
    moved = finder.track(np.roll(portrait, (dy, dx), axis=(0, 1)), found)
    assert np.abs(moved.landmarks - found.landmarks - (dx, dy)).mean() < 0.02 * eye_distance(found)
    np.testing.assert_allclose(
        np.subtract(moved.box, found.box), np.tile((moved.landmarks - found.landmarks).mean(0), 2), atol=1e-9
    )


def test_motion_of_a_fraction_of_a_pixel_is_seen(finder, portrait):
    found = finder.find(portrait)
    shifts = np.arange(0, 2.01, 0.25)
    seen = [
        finder.track(cv2.warpAffine(portrait, np.array([[1, 0, dx], [0, 1, 0.0]]), (512, 512)), found).landmarks.mean(
            0
        )[0]
        for dx in shifts
    ]
    assert np.corrcoef(shifts, seen)[0, 1] > 0.95


def test_a_long_walk_is_followed_without_drift(finder, portrait):
    found = finder.find(portrait)
    walker = found
    for step in range(1, 13):
        walker = finder.track(np.roll(portrait, 8 * step, axis=1), walker)
    assert np.abs(walker.landmarks - found.landmarks - (96, 0)).mean() < 0.03 * eye_distance(found)


def test_a_face_beyond_the_frame_cannot_be_tracked(finder, portrait):
    gone = Face((900.0, 10.0, 1000.0, 110.0), np.zeros((5, 2)))
    with pytest.raises(SampleError, match="face-outside-frame"):
        finder.track(portrait, gone)


@pytest.mark.parametrize("window", [5, 11, 15])
@pytest.mark.parametrize("length", [15, 16, 60])
def test_smoothing_is_savitzky_golay(window, length):
    tracks = np.random.default_rng(0).normal(100, 5, (length, 5, 2))
    np.testing.assert_allclose(smoothed(tracks, window), savgol_filter(tracks, window, 2, axis=0), rtol=1e-10)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 10, 11, 40])
def test_smoothing_keeps_steady_motion(length):
    time = np.arange(length)[:, None, None]
    tracks = 3.0 + 0.5 * time + 0.02 * time**2 + np.arange(10).reshape(5, 2)
    np.testing.assert_allclose(smoothed(tracks), tracks, rtol=1e-10)


@pytest.mark.parametrize("window", [0, -3, 4])
def test_an_even_window_is_refused(window):
    with pytest.raises(InputError, match="odd"):
        smoothed(np.zeros((9, 5, 2)), window)


@pytest.mark.parametrize("name", GRID)
def test_every_speaker_is_found_and_fills_the_crop(media, finder, name):
    frames = list(read_frames(media / "grid" / f"{name}.mpg", range(0, 61, 30)))
    for frame in frames:
        found = finder.find(frame)
        assert_looks_like_a_face(found)
        matrix = placement.similarity(found.landmarks, 224)
        placed = found.landmarks @ matrix[:, :2].T + matrix[:, 2]
        assert np.abs(placed - (placement.CANONICAL_FACE * 224 - 0.5)).max() < 0.05 * 224
        assert 1.2 < np.hypot(*matrix[:, 0]) < 1.8  # faces of 360 × 288 are enlarged, all about alike


def test_tracking_agrees_with_finding(media, finder):
    frames = list(read_frames(media / "pyfeat" / "single_face.mp4", range(40)))
    found = finder.find(frames[0])
    for frame in frames[1:]:
        found = finder.track(frame, found)
    again = finder.find(frames[-1])
    assert np.abs(found.landmarks - again.landmarks).mean() < 0.03 * eye_distance(again)


def test_two_people_are_two(still, finder):
    with pytest.raises(SampleError, match="several-faces: 2 faces"):
        finder.find(still("two_people.jpg"))
    left, top, *_ = FaceFinder(several="largest").find(still("two_people.jpg")).box
    assert (left, top) == pytest.approx((785, 74), abs=15)


def test_a_face_that_runs_over_the_border_is_cropped_with_a_black_side(still, finder):
    frame = still("obama_partial_face.jpg")
    found = finder.find(frame)
    assert found.box[0] < 0
    matrix = placement.similarity(found.landmarks, 224)
    rows, columns = warp.region(matrix, 224, *frame.shape[:2])
    assert columns.start == 0
    crop = warp.warp(frame[rows, columns], warp.shifted(matrix, rows, columns), 224)
    assert not crop[:, :40].any()
    assert (crop[:, 70:].sum(-1) > 0).mean() > 0.99


def test_an_rgba_still_is_found_after_reading(media, finder, tmp_path):
    (tmp_path / "1.png").symlink_to(media / "stills" / "32bit.png")
    assert_looks_like_a_face(finder.find(next(read_frames(tmp_path, range(1, 2)))))


def test_a_video_without_a_face_has_none(media, finder):
    for frame in read_frames(media / "pyfeat" / "no_face.mp4", range(0, 95, 47)):
        with pytest.raises(SampleError, match="face-not-found"):
            finder.find(frame)


def test_a_face_that_leaves_is_not_found_afterwards(media, finder):
    there, gone = read_frames(media / "pyfeat" / "face_noface.mov", range(40, 101, 60))
    assert_looks_like_a_face(finder.find(there))
    with pytest.raises(SampleError, match="face-not-found"):
        finder.find(gone)
