"""How large an image says it is: asked before a decoder believes it and takes the memory."""

import re
import struct

from mer_di.errors import SampleError

LARGEST_FRAME = 1 << 25
"""Pixels of a frame at most, 33,554,432: a frame of 8K (7680 × 4320), fifteen times the largest of any database."""

FORMATS = "BMP, JPEG, PNG, TIFF, or binary PGM or PPM whose white is 255 or more"
"""What is read, in words."""

_NETPBM = re.compile(
    rb"P[56]_(\d+)_(\d+)_(?:25[5-9]|2[6-9]\d|[3-9]\d\d|\d{4,5})\s".replace(b"_", rb"(?:\s|#[^\n]*\n)+")
)
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TIFF_WIDTHS, _TIFF_HEIGHTS = (256, 322), (257, 323)  # of the image, of its tiles
_TIFF_NUMBERS = {3: "H", 4: "I", 16: "Q"}


def require_size(width: int, height: int, what: str) -> None:
    """Refuse a frame of more than `LARGEST_FRAME` pixels.

    Raises
    ------
    SampleError
        ``frame-unreadable``.
    """
    if width * height > LARGEST_FRAME:
        raise SampleError(
            "frame-unreadable",
            f"{what} declares {width} × {height} pixels; a frame of more than {LARGEST_FRAME} is not read",
        )


def declared_size(encoded: bytes) -> tuple[int, int] | None:
    """Read the size of an image in its header, as its decoder will.

    Parameters
    ----------
    encoded : bytes
        A BMP, JPEG, PNG, TIFF, or binary PGM or PPM.

    Returns
    -------
    tuple of int, or None
        Width and height; None if it is none of these, or its header is cut short.
    """
    try:
        for signature, size in _HEADERS:
            if encoded.startswith(signature):
                return size(encoded)
    except (struct.error, IndexError):
        return None
    return None


def _png(encoded: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", encoded, 16)
    return width, height


def _bmp(encoded: bytes) -> tuple[int, int]:
    (length,) = struct.unpack_from("<I", encoded, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", encoded, 18)
    return abs(width), abs(height)  # below 0: rows from the top


def _jpeg(encoded: bytes) -> tuple[int, int] | None:
    at = 2
    while marker := _JPEG_MARKER.search(encoded, at):
        at = marker.end()
        kind = encoded[at - 1]
        if kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", encoded, at + 3)
            return width, height
        if kind not in _JPEG_WITHOUT_LENGTH:
            at += struct.unpack_from(">H", encoded, at)[0]
    return None


def _tiff(encoded: bytes) -> tuple[int, int]:
    order = "<" if encoded[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", encoded, 2)
    offset, count, entry, value = ("Q", "Q", 20, 12) if version == 43 else ("I", "H", 12, 8)
    (directory,) = struct.unpack_from(order + offset, encoded, struct.calcsize(offset))
    (entries,) = struct.unpack_from(order + count, encoded, directory)
    sizes = {}
    for number in range(entries):
        at = directory + struct.calcsize(count) + number * entry
        tag, kind = struct.unpack_from(order + "HH", encoded, at)
        if tag in _TIFF_WIDTHS + _TIFF_HEIGHTS and kind in _TIFF_NUMBERS:
            (sizes[tag],) = struct.unpack_from(order + _TIFF_NUMBERS[kind], encoded, at + value)
    return max(sizes.get(tag, 0) for tag in _TIFF_WIDTHS), max(sizes.get(tag, 0) for tag in _TIFF_HEIGHTS)


def _netpbm(encoded: bytes) -> tuple[int, int] | None:
    found = _NETPBM.match(encoded)
    return (int(found[1]), int(found[2])) if found else None


_HEADERS = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"BM", _bmp),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    ((b"P5", b"P6"), _netpbm),
)
