"""The size that a header declares, against OpenCV's and against the memory that it would take."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from pictures_on_disk import encoded, picture, read_image, refused

from mer_di.imaging.header import LARGEST_FRAME, declared_size

SIDE = 6000
assert SIDE**2 > LARGEST_FRAME


def png():
    header = b"IHDR" + struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg(marker=b"\xff\xc0"):
    code = encoded(picture(0), ".jpg")
    at = code.index(b"\xff\xc0") + 5
    return (code[:at] + struct.pack(">HH", SIDE, SIDE) + code[at + 4 :]).replace(b"\xff\xc0", marker)


def bmp(height=SIDE):
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, SIDE, height, 1, 24, 0, 0, 0, 0, 0, 0)


def os2_bmp():
    return b"BM" + struct.pack("<IHHIIHHHH", 26, 0, 0, 26, 12, SIDE, SIDE, 1, 24)


def tiff(order="<", **tags):
    entries = [(int(tag[1:]), 4, 1, value) for tag, value in {"t256": SIDE, "t257": SIDE, **tags}.items()]
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    return header + b"".join(struct.pack(order + "HHII", *entry) for entry in entries)


def big_tiff():
    entries = b"".join(struct.pack("<HHQQ", tag, 16, 1, SIDE) for tag in (256, 257))
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 2) + entries


GIANTS = {
    "PNG": png(),
    "JPEG": jpeg(),
    "JPEG of another coding": jpeg(b"\xff\xc9"),
    "JPEG with metadata": jpeg()[:2] + b"\xff\xe1\x00\x08Exif\0\0" + jpeg()[2:],
    "JPEG with fill bytes and rubbish": jpeg()[:2] + b"rubbish\xff\xff\x01\xff\xff" + jpeg()[2:],
    "BMP": bmp(),
    "BMP from the top": bmp(-SIDE),
    "BMP of OS/2": os2_bmp(),
    "TIFF": tiff(),
    "TIFF of the other order": tiff(">"),
    "TIFF of large tiles": tiff(t256=10, t257=10, t322=SIDE, t323=SIDE),
    "BigTIFF": big_tiff(),
    "PGM": b"P5\n# a camera\n6000 6000\n255\n",
}


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("kind", GIANTS)
def test_a_giant_is_refused_before_a_decoder_sees_it(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    (tmp_path / "1.png").write_bytes(GIANTS[kind])
    detail = refused("frame-unreadable", lambda: read_image(tmp_path / "1.png"))
    assert f"{SIDE} × {SIDE}" in detail
    assert str(LARGEST_FRAME) in detail


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg", ".pgm", ".ppm"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (23, 31), (300, 1)])
def test_the_size_is_the_one_that_decodes(suffix, height, width):
    image = picture(0, height, width)
    code = encoded(image[..., 0] if suffix == ".pgm" else image, suffix)
    assert declared_size(code) == (width, height) == cv2.imdecode(np.frombuffer(code, np.uint8), -1).shape[1::-1]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg", ".ppm"])
def test_a_header_cut_short_anywhere_has_no_size_or_the_right_one(suffix):
    code = encoded(picture(0), suffix)
    assert {declared_size(code[:length]) for length in range(len(code))} <= {None, (31, 23), (31, 0), (0, 0)}


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_a_format_that_is_not_read_is_refused_under_a_name_that_is(tmp_path, suffix):
    (tmp_path / "1.png").write_bytes(encoded(picture(0), suffix))
    assert "BMP, JPEG, PNG, TIFF" in refused("frame-unreadable", lambda: read_image(tmp_path / "1.png"))
