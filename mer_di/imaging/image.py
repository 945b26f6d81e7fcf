"""One image file as RGB."""

import contextlib
import importlib
import importlib.util
import math
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mer_di.errors import SampleError
from mer_di.imaging.header import FORMATS, declared_size, require_size
from mer_di.memory import empty

Room = Callable[[tuple[int, ...]], NDArray[np.uint8]]
"""Where a frame of a shape goes, (H, W, 3) or (H, W)."""

LARGEST_FILE = 1 << 28
"""Bytes of an image at most: more than any camera writes for a frame."""

_AS_CODED = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH  # grey or BGR; without ANYDEPTH 16 bits silently become 8
_START_OF_IMAGE = b"\xff\xd8"
_MARKER, _APP1, _START_OF_SCAN = 0xFF, 0xE1, 0xDA

# OpenCV's own log lines only repeat what a SampleError says. Those of FFmpeg and libjpeg are left alone: both conceal
# damage inside a file and return a whole picture, so that their line on stderr is its only sign.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def read_file(file: str) -> bytes:
    """Return the bytes of an image file; cv2.imread fails on some paths that Python can open.

    Raises
    ------
    SampleError
        ``frame-unreadable``: it cannot be opened, or is larger than `LARGEST_FILE`. ``clip-changed``: it grew or shrank
        while it was read.
    """
    try:
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 - a path object a frame costs as much as reading
            size = os.fstat(opened.fileno()).st_size
            if size > LARGEST_FILE:
                raise SampleError(
                    "frame-unreadable", f"{file} has {size} bytes; an image of more than {LARGEST_FILE} is not read"
                )
            encoded = opened.readall()
    except OSError as err:
        raise SampleError("frame-unreadable", f"{file} cannot be read ({err})") from err
    if len(encoded) != size:
        raise SampleError("clip-changed", f"{file} changed while it was read; build again when it is written")
    return encoded


def near(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Make room for frames that are in the processor's cache when they have been decoded.

    libjpeg-turbo writes rows that begin at a multiple of its vectors' 16 or 32 bytes past the cache: reading them again
    took three times as long. Memory is allocated at such places; a byte further, no row of an even width begins at one.
    """
    return empty((math.prod(shape) + 1,), np.uint8)[1:].reshape(shape)


def decode_image(encoded: bytes, file: str, room: Room = near) -> NDArray[np.uint8]:
    """Decode one image; see `mer_di.imaging.frames.read_frames`.

    Parameters
    ----------
    encoded : bytes
    file : str
        What a message calls it.
    room : callable
        Makes room for the pixels, where the decoder can be told.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), RGB
        Of an image that is coded in grey, a read-only view whose three channels are one and the same memory.

    Raises
    ------
    SampleError
        ``frame-unreadable``: the file is damaged or cut short, or declares more pixels than
        :data:`mer_di.imaging.header.LARGEST_FRAME`. ``frame-not-8-bit``: its pixels are not 8-bit.
    """
    image = None
    try:
        if size := declared_size(encoded):
            require_size(*size, file)
            image = _plain_jpeg(encoded, room)
            if image is None:
                image = _any_image(encoded)
    except cv2.error as err:
        raise SampleError("frame-unreadable", f"{file} cannot be read ({err})") from err
    if image is None:
        raise SampleError(
            "frame-unreadable",
            f"{file} ({len(encoded)} bytes) does not decode as {FORMATS}; it is damaged, cut short, or of another "
            "format than its name says: copy it again, or convert the clip",
        )
    if image.dtype != np.uint8:
        raise SampleError(
            "frame-not-8-bit",
            f"{file} has {image.dtype} pixels; expected 8 bits a channel: convert the clip with a scaling of your own "
            "choice",
        )
    return image if image.ndim == 3 else np.broadcast_to(image[..., np.newaxis], (*image.shape, 3))


def _any_image(encoded: bytes) -> NDArray[Any] | None:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), _AS_CODED)
    return image if image is None or image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _plain_jpeg(encoded: bytes, room: Room = near) -> NDArray[np.uint8] | None:
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
            return np.asarray(simplejpeg.decode_jpeg(encoded, "GRAY", buffer=room((height, width))), np.uint8)[..., 0]
        if coded in ("YCbCr", "RGB"):
            return np.asarray(simplejpeg.decode_jpeg(encoded, "RGB", buffer=room((height, width, 3))), np.uint8)
    return None


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
