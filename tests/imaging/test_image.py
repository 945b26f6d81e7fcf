"""One image file against OpenCV: every kind that occurs, damaged or whole, with either decoder."""

import struct

import cv2
import numpy as np
import pytest
from pictures_on_disk import LOSSLESS, encoded, picture, read_image, refused

from mer_di.errors import SampleError
from mer_di.imaging import image as one_image

SAMPLINGS = {
    name.removeprefix("IMWRITE_JPEG_SAMPLING_FACTOR_"): getattr(cv2, name)
    for name in dir(cv2)
    if name.startswith("IMWRITE_JPEG_SAMPLING_FACTOR_")
}


def by_opencv(code):
    return cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_COLOR_RGB)


def decoded(folder, code):
    (folder / "1.jpg").write_bytes(code)
    return read_image(folder / "1.jpg")


def photograph(height, width):
    return cv2.GaussianBlur(picture(7, height, width), (0, 0), 1.5)


@pytest.mark.usefixtures("decoder")
def test_a_red_jpeg_is_red_first(tmp_path):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    (tmp_path / "1.jpg").write_bytes(encoded(red, ".jpg"))
    assert read_image(tmp_path / "1.jpg").mean((0, 1)) == pytest.approx([250, 0, 0], abs=3)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", [*LOSSLESS, ".jpg"])
def test_grey_becomes_three_equal_channels(tmp_path, suffix):
    grey = np.repeat(np.repeat(picture(0, 4, 5)[..., 0], 8, 0), 8, 1)
    file = tmp_path / f"1{suffix}"
    file.write_bytes(encoded(grey, suffix))
    frame = read_image(file)
    assert frame.shape == (32, 40, 3)
    np.testing.assert_array_equal(frame[..., 0], frame[..., 1])
    np.testing.assert_array_equal(frame[..., 0], frame[..., 2])
    if suffix in LOSSLESS:
        np.testing.assert_array_equal(frame[..., 0], grey)


def test_transparency_is_left_out_not_blended(tmp_path):
    rgba = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    done, code = cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])
    assert done
    (tmp_path / "1.png").write_bytes(code.tobytes())
    np.testing.assert_array_equal(read_image(tmp_path / "1.png"), rgba[..., :3])


def test_a_real_rgba_picture_reads_as_rgb(media):
    file = media / "stills" / "32bit.png"
    stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert stored.shape[2] == 4
    np.testing.assert_array_equal(read_image(file), stored[..., 2::-1])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_sixteen_bits_are_refused_not_reduced(tmp_path, suffix, channels):
    deep = np.full((8, 9, *channels), 1000, np.uint16)
    file = tmp_path / f"1{suffix}"
    file.write_bytes(encoded(deep, suffix))
    assert "uint16" in refused("frame-not-8-bit", lambda: read_image(file))


@pytest.mark.usefixtures("decoder")
def test_exif_rotation_is_applied(tmp_path):
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, :24] = 255
    code = encoded(wide, ".jpg")
    turn_right = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)  # one TIFF entry: orientation 6
    exif = b"Exif\0\0" + turn_right
    (tmp_path / "1.jpg").write_bytes(code[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + code[2:])
    frame = read_image(tmp_path / "1.jpg")
    assert frame.shape == (48, 16, 3)
    assert frame[:20].min() > 200 > 50 > frame[28:].max()


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", [*LOSSLESS, ".jpg", ".progressive.jpg"])
@pytest.mark.parametrize("cut", [3, 12, 100, 0.5, 0.99, 1.0])
def test_a_file_cut_short_is_refused_wherever_it_is_cut(tmp_path, suffix, cut):
    smooth = cv2.GaussianBlur(picture(0, 96, 128), (0, 0), 2)
    progressive = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1) if "progressive" in suffix else ()
    code = encoded(smooth, suffix[-4:], *progressive)
    removed = cut if isinstance(cut, int) else round(cut * len(code))
    file = tmp_path / f"1{suffix[-4:]}"
    file.write_bytes(code[: len(code) - removed])
    detail = refused("frame-unreadable", lambda: read_image(file))
    assert str(file) in detail


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_a_jpeg_without_its_end_marker_is_refused_or_whole(tmp_path, cut, seed):
    code = encoded(cv2.GaussianBlur(picture(seed, 96, 128), (0, 0), 2), ".jpg")
    (tmp_path / "1.jpg").write_bytes(code)
    (tmp_path / "2.jpg").write_bytes(code[:-cut])
    whole = read_image(tmp_path / "1.jpg")
    try:
        cut_short = read_image(tmp_path / "2.jpg")
    except SampleError:
        return
    np.testing.assert_array_equal(cut_short, whole)


@pytest.mark.usefixtures("decoder")
def test_what_is_no_image_is_refused_quietly(tmp_path, capfd):
    (tmp_path / "1.bmp").write_bytes(encoded(picture(0), ".bmp")[:200])
    (tmp_path / "2.jpg").write_text("hello")
    for name in ("1.bmp", "2.jpg"):
        refused("frame-unreadable", lambda name=name: read_image(tmp_path / name))
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("quality", [30, 95])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (61, 83), (1, 1)])
@pytest.mark.parametrize("progressive", [0, 1])
def test_every_kind_of_jpeg_has_the_pixels_that_opencv_gives(tmp_path, sampling, quality, height, width, progressive):
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling], cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, progressive]
    code = encoded(photograph(height, width), ".jpg", *options)
    np.testing.assert_array_equal(decoded(tmp_path, code), by_opencv(code))
    assert one_image._simplejpeg() is None or one_image._plain_jpeg(code) is not None


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_rare_colour_spaces_have_the_pixels_that_opencv_gives(tmp_path, mode):
    image = pytest.importorskip("PIL.Image").fromarray(photograph(40, 56)).convert(mode)
    image.save(tmp_path / "coded.jpg", quality=90, **({"keep_rgb": True} if mode == "RGB" else {}))
    code = (tmp_path / "coded.jpg").read_bytes()
    (tmp_path / "coded.jpg").unlink()
    np.testing.assert_array_equal(decoded(tmp_path, code), by_opencv(code))


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("seed", range(8))
def test_damage_inside_a_jpeg_is_concealed_as_opencv_does_it(tmp_path, seed):
    code = bytearray(encoded(photograph(96, 128), ".jpg"))
    rng = np.random.default_rng(seed)
    start = code.index(b"\xff\xda") + 20
    for at in rng.integers(start, len(code) - 2, 3):
        code[at] = int(rng.integers(0, 255))
    expected = by_opencv(bytes(code))
    if expected is None:
        refused("frame-unreadable", lambda: decoded(tmp_path, bytes(code)))
    else:
        np.testing.assert_array_equal(decoded(tmp_path, bytes(code)), expected)


def test_metadata_is_left_to_opencv():
    code = encoded(photograph(16, 16), ".jpg")
    app0 = 4 + int.from_bytes(code[4:6], "big")  # the segment that OpenCV writes first
    exif = b"\xff\xe1\x00\x08Exif\0\0"
    assert one_image._has_no_metadata(code)
    for rest in (exif + code[2:], code[2:app0] + exif + code[app0:], b"\xff" + code[2:], b"\0" + code[2:], b""):
        assert not one_image._has_no_metadata(code[:2] + rest)
    assert not one_image._has_no_metadata(encoded(photograph(16, 16), ".png"))


def test_a_file_of_gigabytes_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "1.png").open("wb") as file:
        file.truncate(one_image.LARGEST_FILE + 1)
    assert str(one_image.LARGEST_FILE) in refused("frame-unreadable", lambda: read_image(tmp_path / "1.png"))


@pytest.mark.parametrize("suffix", [".pgm", ".ppm"])
def test_netpbm_of_a_camera_is_read_exactly_and_only_where_white_is_white(tmp_path, suffix):
    drawn = picture(0) if suffix == ".ppm" else picture(0)[..., 0]
    magic = b"P6" if suffix == ".ppm" else b"P5"
    for white, stored in ((255, drawn), (100, drawn % 100), (4095, drawn.astype(">u2"))):
        file = tmp_path / f"{white}{suffix}"
        file.write_bytes(b"%s\n31 23\n%d\n" % (magic, white) + stored.tobytes())
    read = read_image(tmp_path / f"255{suffix}")
    np.testing.assert_array_equal(read, drawn if drawn.ndim == 3 else np.repeat(drawn[..., np.newaxis], 3, 2))
    refused("frame-unreadable", lambda: read_image(tmp_path / f"100{suffix}"))
    refused("frame-not-8-bit", lambda: read_image(tmp_path / f"4095{suffix}"))


@pytest.mark.parametrize("change", [b"more", b""])
def test_an_image_that_changes_while_it_is_read_is_told(tmp_path, monkeypatch, change):
    file = tmp_path / "1.png"
    file.write_bytes(encoded(picture(0), ".png"))
    looked_at = one_image.os.fstat

    def then_it_changes(descriptor):
        state = looked_at(descriptor)
        file.write_bytes(file.read_bytes() + change if change else b"")
        return state

    monkeypatch.setattr(one_image.os, "fstat", then_it_changes)
    assert "changed" in refused("clip-changed", lambda: read_image(file))
