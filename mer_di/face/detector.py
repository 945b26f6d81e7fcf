"""dlib's HOG frontal face detector, at the scales where micro-expressions can be seen."""

import contextlib
import copy
import math
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import platformdirs
from numpy.typing import NDArray

from mer_di.errors import SampleError
from mer_di.face.landmarks import Box, model_sha256

DETECTOR_SHA256 = (
    "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"  # of dlib's detector, saved by dlib
)
COMFORTABLE_SIDE = 640  # pixels; enough for a face of 1/8 of the frame, the detector's smallest being 80 pixels
QUICK_SIDE = 310  # pixels; enough for a face of 1/4 of the frame, and looked through in a third of the time
SURE_SCORE = 0.3  # of the detector, from 0; mistaken patches scored up to 0.21, dark faces from 0.4, others 0.7 to 2.5
SMALLEST_BOX = 73  # pixels; side of the boxes at the finest level of its pyramid
PYRAMID_STEP = 6 / 5
FINEST_SCALE = 2.0  # of the frame; a face of less than 40 pixels tells nothing about a micro-expression

_PYRAMID = dlib.pyramid_down(6)  # the detector's own: each level has 5/6 of the size of the one before
_per_thread = threading.local()
_Dlib = Any  # dlib ships no types


def detect(frame: NDArray[np.uint8]) -> list[Box]:
    """Find the faces in a frame, or of unsure ones the surest: see `mer_di.face.FaceFinder.find`.

    Raises
    ------
    SampleError
        ``face-not-found``.
    """
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


def _scales(longest: int) -> list[float]:
    scale = min(1.0, COMFORTABLE_SIDE / longest)
    doublings = math.floor(math.log2(FINEST_SCALE / scale))
    return [scale * 2**doubling for doubling in range(doublings + 1)]


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
