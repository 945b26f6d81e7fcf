"""Where the face is: dlib's detector and five-point predictor. No dlib object leaves this package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError, SampleError
from mer_di.imaging.face.detector import detect
from mer_di.imaging.face.landmarks import Box, Landmarks, predict
from mer_di.imaging.face.landmarks import landmark_model as landmark_model
from mer_di.imaging.face.landmarks import model_sha256 as model_sha256

Several = Literal["drop", "largest"]

SEVERAL: tuple[Several, ...] = ("drop", "largest")
SMOOTHING_WINDOW = 11


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

        The detector looks at the frame's luma with the longer side at 320 pixels (never enlarged), which shows faces
        of 1/4 of that or more. While none of them is sure (score 0.3 or more), or one is as small as can be seen at
        that scale, it looks at twice the scale, up to twice the frame's own size. Where none is sure at any scale, the
        surest one is taken; where there is none at all, it looks once more with a grey border around the frame, for a
        face that fills it. Beside a sure face, unsure ones and those for which it was not yet looked do not count.
        Landmarks are read on the luma at full resolution.

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
        grey = _grey(frame)
        boxes = detect(grey)
        if len(boxes) > 1 and self.several == "drop":
            raise SampleError(
                "several-faces",
                f"{len(boxes)} faces at {', '.join(map(_corners, boxes))} (left, top, right, bottom); expected one: "
                "crop the clip, or take the largest face",
            )
        box = max(boxes, key=_area)
        return Face(box, predict(self.model, grey, box))

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
        landmarks = predict(self.model, _grey(frame), face.box)
        dx, dy = (landmarks - face.landmarks).mean(axis=0).tolist()
        left, top, right, bottom = face.box
        return Face((left + dx, top + dy, right + dx, bottom + dy), landmarks)


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


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Check a frame and return its luma (ITU-R BT.601)."""
    grey_or_rgb = frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
    if frame.dtype != np.uint8 or not grey_or_rgb or not frame.size:
        raise InputError(
            f"frame is {frame.dtype} of shape {frame.shape}; expected uint8 of shape (H, W, 3) RGB or (H, W) grey"
        )
    pixels = np.ascontiguousarray(frame)
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _corners(box: Box) -> str:
    return f"({', '.join(f'{corner:.0f}' for corner in box)})"
