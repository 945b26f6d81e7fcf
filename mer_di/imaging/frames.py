"""Frames as RGB uint8 arrays, one at a time, from a folder of images or a video. Sees files, not faces."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError, SampleError
from mer_di.imaging.image import read_image
from mer_di.imaging.listing import require_files
from mer_di.imaging.video import read_video


def read_frames(path: Path, numbers: range) -> Iterator[NDArray[np.uint8]]:
    """Decode the frames asked for, in order, one in memory at a time.

    Parameters
    ----------
    path : pathlib.Path
        A folder of images, or a video file.
    numbers : range
        Ascending and not empty. Frame numbers as in the file names of a folder; 0-based positions in a video,
        counted by decoding from its start, because seeking by position returns other frames in common formats.

    Yields
    ------
    ndarray of uint8, shape (H, W, 3), RGB
        A new array each. Of an image that is coded in grey, a read-only view whose three channels are one and the
        same memory (see :func:`one_channel`). Transparency is left out, EXIF and video rotation are applied. Video of
        more than 8 bits is converted to 8 by FFmpeg; such an image is refused.

    Raises
    ------
    InputError
        If ``numbers`` is empty or descends.
    SampleError
        ``frame-unreadable``: an image is damaged or cut short. ``frame-not-8-bit``: its pixels are not 8-bit.
        ``frame-size-changes``: it has another size than the first one. ``clip-unreadable``: the file is no video.
        ``frames-missing``: the video ends early; and those of :func:`mer_di.imaging.listing.require_listed`.
    """
    if not numbers or numbers.step < 1:
        raise InputError(f"numbers is {numbers}; expected an ascending range of at least one frame")
    first: tuple[str, tuple[int, ...]] | None = None
    for name, frame in _read_images(path, numbers) if path.is_dir() else read_video(path, numbers):
        first = first or (name, frame.shape)
        if frame.shape != first[1]:
            raise SampleError(
                "frame-size-changes",
                f"in {path}, {first[0]} is {_size(first[1])} and {name} is {_size(frame.shape)} (width × height); "
                "expected one size throughout a clip",
            )
        yield frame


def one_channel(frame: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return what the three channels of a grey frame share, so that it need not be worked on three times.

    Parameters
    ----------
    frame : ndarray of uint8, shape (H, W, 3)
        As :func:`read_frames` yields it.

    Returns
    -------
    ndarray of uint8, shape (H, W), or None
        None if each channel has memory of its own, even where their pixels are equal.
    """
    return frame[..., 0] if frame.strides[2] == 0 else None


def _read_images(folder: Path, numbers: range) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    files = require_files(folder, numbers)
    for number in numbers:
        yield files[number].name, read_image(files[number])


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
