"""Frames as RGB uint8 arrays, one at a time, from a folder of images or a video. Sees files, not faces."""

import contextlib
import importlib
import importlib.util
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError, SampleError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})

_LAST_NUMBER = re.compile(r"([0-9]+)[^0-9]*$")
_AS_CODED = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH  # grey or BGR; without ANYDEPTH 16 bits silently become 8
_START_OF_IMAGE = b"\xff\xd8"
_MARKER, _APP1, _START_OF_SCAN = 0xFF, 0xE1, 0xDA
_ONE_THREAD = [cv2.CAP_PROP_N_THREADS, 1]  # samples are the unit of parallel work
_SPANS_SHOWN = 6

# OpenCV's own log lines only repeat what a SampleError says. Those of FFmpeg and libjpeg are left alone: both conceal
# damage inside a file and return a whole picture, so that their line on stderr is its only sign.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def list_frames(folder: Path) -> dict[int, Path]:
    """List the frames of a folder by number.

    Parameters
    ----------
    folder : pathlib.Path
        Images named with a frame number: ``img12.jpg``, ``006_05562.jpg``, ``reg_img46.jpg``. Other files
        (``Thumbs.db``), hidden ones (``.DS_Store``, ``._img1.jpg``) and folders are passed over.

    Returns
    -------
    dict of int to pathlib.Path
        Frame number, the last run of digits in the file's stem whatever its zero padding, to file; ascending.

    Raises
    ------
    SampleError
        ``clip-not-found``: the folder cannot be listed. ``frame-unnumbered``: an image has no number in its name.
        ``frames-ambiguous``: two images have the same number.
    """
    frames: dict[int, Path] = {}
    for name in sorted(_image_names(folder)):
        number = _number(folder, name)
        if number in frames:
            raise SampleError(
                "frames-ambiguous",
                f"{folder} holds {frames[number].name} and {name}, both frame {number}; expected one image a number: "
                "move the other away",
            )
        frames[number] = folder / name
    return dict(sorted(frames.items()))


def require_listed(path: Path, numbers: range) -> None:
    """Check, without decoding anything, that a clip can hold the frames asked for.

    Parameters
    ----------
    path : pathlib.Path
        A folder of images, or a video file. Of a video only existence is checked: its header's frame count can
        exceed what decodes, so that the truth is known after :func:`read_frames`.
    numbers : range
        Frame numbers as in the file names of a folder; 0-based positions in a video.

    Raises
    ------
    SampleError
        ``clip-not-found``; ``frames-missing``: the first or the last frame is not there; ``frame-gap``: both are,
        but not all between them; and those of :func:`list_frames`.
    """
    if path.is_dir():
        _files(path, numbers)
    else:
        _require_video(path, numbers)


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
        ``frames-missing``: the video ends early; and those of :func:`require_listed`.
    """
    if not numbers or numbers.step < 1:
        raise InputError(f"numbers is {numbers}; expected an ascending range of at least one frame")
    first: tuple[str, tuple[int, ...]] | None = None
    for name, frame in _read_images(path, numbers) if path.is_dir() else _read_video(path, numbers):
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


def _image_names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a name, not a path
                and entry.is_file()
            ]
    except OSError as err:
        raise SampleError(
            "clip-not-found", f"{folder} cannot be listed ({err.strerror}); expected a folder of images"
        ) from err


def _number(folder: Path, name: str) -> int:
    digits = _LAST_NUMBER.search(os.path.splitext(name)[0])  # noqa: PTH122
    if digits is None:
        raise SampleError(
            "frame-unnumbered",
            f"{folder} holds {name}, an image without a number in its name; expected frame numbers as in img12.jpg: "
            "rename it or move it away",
        )
    return int(digits[1])


def _files(folder: Path, numbers: range) -> dict[int, Path]:
    files = list_frames(folder)
    missing = [number for number in numbers if number not in files]
    if missing:
        both_ends = numbers[0] in files and numbers[-1] in files
        raise SampleError(
            "frame-gap" if both_ends else "frames-missing",
            f"frames {numbers[0]}..{numbers[-1]} are asked for, {folder} holds {_spans(files)}; "
            f"missing are {_spans(missing)}",
        )
    return files


def _spans(numbers: Iterable[int]) -> str:
    """Write ascending numbers as ``3, 7..9``; a run has one difference to its index."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs[:_SPANS_SHOWN]]
    return ", ".join([*shown, "…"] if len(runs) > _SPANS_SHOWN else shown) or "no image"


def _require_video(path: Path, numbers: range) -> None:
    if not path.is_file():
        raise SampleError("clip-not-found", f"{path} does not exist; expected a folder of images or a video file")
    if numbers and numbers[0] < 0:
        raise SampleError(
            "frames-missing",
            f"frames {numbers[0]}..{numbers[-1]} of {path} are asked for; positions in a video start at 0",
        )


def _read_images(folder: Path, numbers: range) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    files = _files(folder, numbers)
    for number in numbers:
        yield files[number].name, _decode(files[number])


def _decode(file: Path) -> NDArray[np.uint8]:
    try:
        encoded = file.read_bytes()  # cv2.imread fails on some paths that Python can open
        image = _plain_jpeg(encoded)
        if image is None:
            image = _any_image(encoded)
    except (OSError, cv2.error) as err:
        raise SampleError("frame-unreadable", f"{file} cannot be read ({err})") from err
    if image is None:
        raise SampleError(
            "frame-unreadable",
            f"{file} ({len(encoded)} bytes) does not decode; it is damaged, cut short or no image: copy it again",
        )
    if image.dtype != np.uint8:
        raise SampleError(
            "frame-not-8-bit",
            f"{file} has {image.dtype} pixels; expected 8 bits a channel: convert the clip with a scaling of your own "
            "choice",
        )
    return image if image.ndim == 3 else np.broadcast_to(image[..., np.newaxis], (*image.shape, 3))


def _any_image(encoded: bytes) -> NDArray[Any] | None:
    if not encoded:
        return None
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), _AS_CODED)
    return image if image is None or image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _plain_jpeg(encoded: bytes) -> NDArray[np.uint8] | None:
    """Decode with libjpeg-turbo itself, which OpenCV wraps at half its speed; None if OpenCV has to have its say.

    The pixels are the same. OpenCV turns pictures by their EXIF data, converts from CMYK, and decides what becomes of
    damaged files.
    """
    simplejpeg = _simplejpeg()
    if simplejpeg is None or not _has_no_metadata(encoded):
        return None
    with contextlib.suppress(ValueError):  # damaged
        height, width, coded, _ = simplejpeg.decode_jpeg_header(encoded)
        if coded == "Gray":
            return np.asarray(simplejpeg.decode_jpeg(encoded, "GRAY"), np.uint8)[..., 0]
        if coded in ("YCbCr", "RGB"):
            return np.asarray(simplejpeg.decode_jpeg(encoded, "RGB", buffer=_near(height, width)), np.uint8)
    return None


def _near(height: int, width: int) -> NDArray[np.uint8]:
    """Make room for a frame that is in the processor's cache when it has been decoded.

    libjpeg-turbo writes rows that begin at a multiple of its vectors' 16 or 32 bytes past the cache: reading them again
    took three times as long. Memory is allocated at such places; a byte further, no row of an even width begins at one.
    """
    return np.empty(3 * height * width + 1, np.uint8)[1:].reshape(height, width, 3)


def _has_no_metadata(encoded: bytes) -> bool:
    """Whether this is a JPEG without an APP1 segment, the place of EXIF data, from its start to its first scan."""
    if not encoded.startswith(_START_OF_IMAGE):
        return False
    at = len(_START_OF_IMAGE)
    while at + 4 <= len(encoded) and encoded[at] == _MARKER and encoded[at + 1] not in (_MARKER, _APP1):
        if encoded[at + 1] == _START_OF_SCAN:
            return True
        at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return False


@cache
def _simplejpeg() -> Any:  # noqa: ANN401 - an optional module
    return importlib.import_module("simplejpeg") if importlib.util.find_spec("simplejpeg") else None


def _read_video(path: Path, numbers: range) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    _require_video(path, numbers)
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


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
