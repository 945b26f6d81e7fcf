"""Where the detector looks, what it takes for a face, and where dlib's own is kept."""

import pickle
from functools import cache

import cv2
import dlib
import numpy as np
import pytest
from one_face import eye_distance

from mer_di.errors import SampleError
from mer_di.imaging.face import Face, detector, landmarks, model_sha256


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


@pytest.mark.parametrize("side", [96, 200, 224, 231, 262, 400, 640])
@pytest.mark.parametrize("part", [0.8, 0.7, 0.6])
def test_a_face_that_fills_its_frame_is_found_at_every_size(finder, portrait, side, part):
    known = finder.find(portrait)
    left, top, right, bottom = known.box
    half = round((right - left) * part / 2)
    x, y = round((left + right) / 2), round((top + bottom) / 2)
    tight = cv2.resize(portrait[y - half : y + half, x - half : x + half], (side, side), interpolation=cv2.INTER_AREA)
    placed = (finder.find(tight).landmarks + 0.5) * 2 * half / side - 0.5 + (x - half, y - half)
    assert np.abs(placed - known.landmarks).mean() < 0.05 * eye_distance(known)


def test_a_border_is_drawn_only_where_nothing_else_is_found(finder, portrait, monkeypatch):
    monkeypatch.setattr(detector, "_detect_beyond", lambda _: pytest.fail("it was drawn"))
    finder.find(portrait)
    monkeypatch.setattr(detector, "SURE_SCORE", 99.0)
    finder.find(portrait)


def test_a_small_face_beside_a_large_one_does_not_count(finder, portrait):
    head = portrait[:240, 110:340]
    both = np.full((480, 640, 3), 127, np.uint8)
    both[:440, :422] = cv2.resize(head, (422, 440))
    alone = both.copy()
    both[:215, 430:636] = cv2.resize(head, (206, 215))
    assert len(full_scan(both)) == 2
    np.testing.assert_array_equal(finder.find(both).landmarks, finder.find(alone).landmarks)


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
