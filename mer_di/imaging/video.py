"""Frames of a video as RGB, by decoding it from its start."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import SampleError
from mer_di.imaging.listing import require_video

_ONE_THREAD = [cv2.CAP_PROP_N_THREADS, 1]  # samples are the unit of parallel work


def read_video(path: Path, numbers: range) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Decode a video from its start, and yield the frames asked for.

    Parameters
    ----------
    path : pathlib.Path
    numbers : range
        Ascending, not empty, 0-based positions.

    Yields
    ------
    str
        What a message calls the frame.
    ndarray of uint8, shape (H, W, 3), RGB

    Raises
    ------
    SampleError
        ``clip-unreadable``, ``frame-unreadable``, ``frames-missing``, and those of `require_video`.
    """
    require_video(path, numbers)
    # FFmpeg by name: other backends decode to other pixels. Absolute: FFmpeg reads "a:b.mp4" as a protocol.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, _ONE_THREAD)
    try:
        if not capture.isOpened():
            raise SampleError("clip-unreadable", f"{path} does not open as a video; it is damaged or of another format")
        for position in range(numbers[-1] + 1):
            if not capture.grab():
                raise SampleError(
                    "frames-missing",
                    f"frames {numbers[0]}..{numbers[-1]} (0-based) are asked for, {path} decodes to {position} frames",
                )
            if position in numbers:
                yield f"frame {position}", _retrieve(capture, path, position)
    finally:
        capture.release()


def _retrieve(capture: cv2.VideoCapture, path: Path, position: int) -> NDArray[np.uint8]:
    decoded, frame = capture.retrieve()
    if not decoded:
        raise SampleError("frame-unreadable", f"frame {position} of {path} does not decode")
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
