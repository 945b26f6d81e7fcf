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
from mer_di.imaging.face.landmarks import Box, model_sha256

DETECTOR_SHA256 = (
    "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"  # of dlib's detector, saved by dlib
)
COARSE_SIDE = 320  # pixels; enough for a face of 1/4 of the frame, the detector's smallest being 80 pixels
SURE_SCORE = 0.3  # of the detector, from 0; faces in luma scored 0.5 to 2.6, mistaken patches in colour up to 0.21
CLEAR_WIDTH = 80  # pixels at that scale; boxes are 73, 88, 105, …: beside one of the first, another may be too small
FINEST_SCALE = 2.0  # of the frame; a face of less than 40 pixels tells nothing about a micro-expression
BORDER = 0.25  # of the frame's longer side, around a frame that a face seems to fill

_per_thread = threading.local()
_Dlib = Any  # dlib ships no types


def detect(frame: NDArray[np.uint8]) -> list[Box]:
    """Find the faces in a grey frame, or of unsure ones the surest: see `mer_di.imaging.face.FaceFinder.find`.

    Raises
    ------
    SampleError
        ``face-not-found``.
    """
    height, width = frame.shape
    scales = _scales(max(height, width))
    sure: list[Box] = []
    unsure: list[tuple[float, Box]] = []
    for scale in scales:
        scored = _detect_at(frame, scale)
        sure = [box for score, box in scored if score >= SURE_SCORE] or sure
        if sure and all((right - left) * scale > CLEAR_WIDTH for left, _, right, _ in sure):
            break
        unsure += scored
    if sure:
        return sure
    unsure = unsure or _detect_beyond(frame)
    if unsure:
        return [max(unsure)[1]]
    raise SampleError(
        "face-not-found",
        f"no frontal face in a frame of {width} × {height}, looked for with a border around it and at scales "
        f"{', '.join(f'{scale:.2g}' for scale in scales)}; if the frames are cropped faces, use --align none",
    )


def _scales(longest: int) -> list[float]:
    scale = min(1.0, COARSE_SIDE / longest)
    doublings = math.floor(math.log2(FINEST_SCALE / scale))
    return [scale * 2**doubling for doubling in range(doublings + 1)]


def _detect_at(frame: NDArray[np.uint8], scale: float) -> list[tuple[float, Box]]:
    height, width = frame.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    across, down = width / size[0], height / size[1]
    found, scores, _ = _detector().run(resized, 0, 0.0)
    return [(score, _enlarged(box, across, down)) for score, box in zip(scores, found, strict=True)]


def _detect_beyond(frame: NDArray[np.uint8]) -> list[tuple[float, Box]]:
    """Find a face that fills its frame: of 65 sizes of one, dlib saw between none and all, and with a border all."""
    border = round(BORDER * max(frame.shape))
    bordered = np.pad(frame, border, constant_values=round(frame.mean()))
    scale = min(FINEST_SCALE, COARSE_SIDE / max(bordered.shape))
    found = _detect_at(bordered, scale)
    return [
        (score, (left - border, top - border, right - border, bottom - border))
        for score, (left, top, right, bottom) in found
    ]


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
