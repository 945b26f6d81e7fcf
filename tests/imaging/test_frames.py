import struct

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mer_di.errors import InputError, SampleError
from mer_di.imaging import frames
from mer_di.imaging import image as one_image
from mer_di.imaging.frames import read_frames
from mer_di.imaging.listing import list_frames, require_listed

LOSSLESS = (".png", ".bmp", ".tif")
SAMPLINGS = {
    name.removeprefix("IMWRITE_JPEG_SAMPLING_FACTOR_"): getattr(cv2, name)
    for name in dir(cv2)
    if name.startswith("IMWRITE_JPEG_SAMPLING_FACTOR_")
}


@pytest.fixture(params=["simplejpeg", "OpenCV"])
def decoder(request, monkeypatch):
    """With the optional decoder, and as if it was not installed."""
    if request.param == "simplejpeg":
        pytest.importorskip("simplejpeg", reason="the extra fast is not installed")
    else:
        monkeypatch.setattr(one_image, "_simplejpeg", lambda: None)


def picture(seed, height=23, width=31):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image, suffix, *options):
    done, code = cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image, list(options))
    assert done
    return code.tobytes()


def write_clip(folder, names, suffix=".png"):
    folder.mkdir(exist_ok=True)
    pictures = {name: picture(seed) for seed, name in enumerate(names)}
    for name, image in pictures.items():
        (folder / name).write_bytes(encoded(image, suffix))
    return pictures


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def refused(kind, call):
    with pytest.raises(SampleError) as caught:
        call()
    assert caught.value.kind == kind
    return caught.value.detail


# --- listing ---------------------------------------------------------------------------------------------------------


def test_frames_are_listed_by_last_number_whatever_the_padding(tmp_path):
    touch(tmp_path, "reg_img10.JPG", "reg_img9.jpg", "006_05562.Png", "s2_00011_crop.tiff", "0012.bmp", "a1b13.JPEG")
    listed = list_frames(tmp_path)
    assert list(listed) == [9, 10, 11, 12, 13, 5562]
    assert [file.name for file in listed.values()] == [
        "reg_img9.jpg",
        "reg_img10.JPG",
        "s2_00011_crop.tiff",
        "0012.bmp",
        "a1b13.JPEG",
        "006_05562.Png",
    ]
    assert all(file.parent == tmp_path for file in listed.values())


def test_what_is_no_frame_is_passed_over(tmp_path):
    touch(tmp_path, "img1.jpg", "Thumbs.db", ".DS_Store", "._img1.jpg", ".hidden2.png", "notes3.txt", "clip4.avi", "5")
    (tmp_path / "img6.jpg").mkdir()
    assert list_frames(tmp_path) == {1: tmp_path / "img1.jpg"}


@pytest.mark.parametrize("twins", [("img7.jpg", "img007.jpg"), ("img7.jpg", "img7.png"), ("a7.jpg", "b7.jpg")])
def test_one_number_twice_is_ambiguous(tmp_path, twins):
    detail = refused("frames-ambiguous", lambda: list_frames(touch(tmp_path, *twins, "img1.jpg")))
    assert all(name in detail for name in twins)
    assert "frame 7" in detail


def test_an_image_without_a_number_is_named(tmp_path):
    assert "cover.jpg" in refused("frame-unnumbered", lambda: list_frames(touch(tmp_path, "img1.jpg", "cover.jpg")))


def test_an_absent_folder_is_a_sample_error(tmp_path):
    assert "nowhere" in refused("clip-not-found", lambda: list_frames(tmp_path / "nowhere"))


# --- what must be there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "asked", "kind", "missing"),
    [
        ([46, 47, 48], range(46, 50), "frames-missing", "missing are 49"),
        ([2, 3, 4], range(1, 5), "frames-missing", "missing are 1"),
        ([1, 5], range(3, 9), "frames-missing", "missing are 3..4, 6..8"),
        ([], range(1, 4), "frames-missing", "holds no image"),
        ([1, 2, 5, 7, 8], range(1, 9), "frame-gap", "missing are 3..4, 6"),
    ],
)
def test_what_is_missing_is_told(tmp_path, stored, asked, kind, missing):
    touch(tmp_path, *(f"img{number}.jpg" for number in stored))
    detail = refused(kind, lambda: require_listed(tmp_path, asked))
    assert missing in detail
    assert f"{asked[0]}..{asked[-1]}" in detail
    assert refused(kind, lambda: next(read_frames(tmp_path, asked))) == detail


def test_many_gaps_make_a_short_message(tmp_path):
    touch(tmp_path, *(f"img{number}.jpg" for number in range(0, 401, 2)))
    detail = refused("frame-gap", lambda: require_listed(tmp_path, range(401)))
    assert "missing are 1, 3, 5, 7, 9, 11, …" in detail


def test_a_whole_clip_passes_and_more_frames_do_no_harm(tmp_path):
    touch(tmp_path, *(f"img{number}.jpg" for number in range(1, 20)))
    require_listed(tmp_path, range(3, 18))


def test_a_missing_video_is_told(tmp_path):
    for call in (require_listed, lambda *arguments: next(read_frames(*arguments))):
        assert "gone.mp4" in refused("clip-not-found", lambda call=call: call(tmp_path / "gone.mp4", range(3)))


@pytest.mark.parametrize("numbers", [range(0), range(5, 5), range(9, 3, -1)])
def test_an_empty_or_descending_range_is_refused(tmp_path, numbers):
    with pytest.raises(InputError, match="ascending"):
        next(read_frames(tmp_path, numbers))


# --- images ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_images_come_back_exactly_in_order_and_rgb(tmp_path, suffix):
    pictures = write_clip(tmp_path, [f"img{number}{suffix}" for number in range(8, 13)], suffix)
    read = list(read_frames(tmp_path, range(9, 12)))
    assert len(read) == 3
    for number, frame in zip(range(9, 12), read, strict=True):
        assert frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, pictures[f"img{number}{suffix}"])


@pytest.mark.usefixtures("decoder")
def test_a_red_jpeg_is_red_first(tmp_path):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    (tmp_path / "1.jpg").write_bytes(encoded(red, ".jpg"))
    assert next(read_frames(tmp_path, range(1, 2))).mean((0, 1)) == pytest.approx([250, 0, 0], abs=3)


def test_frames_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    write_clip(tmp_path, [f"{number}.png" for number in range(5)])
    decoded = []
    original = frames.read_image
    monkeypatch.setattr(frames, "read_image", lambda file: decoded.append(file.name) or original(file))
    reading = read_frames(tmp_path, range(5))
    next(reading)
    assert decoded == ["0.png"]


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", [*LOSSLESS, ".jpg"])
def test_grey_becomes_three_equal_channels(tmp_path, suffix):
    grey = np.repeat(np.repeat(picture(0, 4, 5)[..., 0], 8, 0), 8, 1)
    (tmp_path / f"1{suffix}").write_bytes(encoded(grey, suffix))
    frame = next(read_frames(tmp_path, range(1, 2)))
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
    np.testing.assert_array_equal(next(read_frames(tmp_path, range(1, 2))), rgba[..., :3])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_sixteen_bits_are_refused_not_reduced(tmp_path, suffix, channels):
    deep = np.full((8, 9, *channels), 1000, np.uint16)
    (tmp_path / f"1{suffix}").write_bytes(encoded(deep, suffix))
    assert "uint16" in refused("frame-not-8-bit", lambda: next(read_frames(tmp_path, range(1, 2))))


@pytest.mark.usefixtures("decoder")
def test_exif_rotation_is_applied(tmp_path):
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, :24] = 255
    code = encoded(wide, ".jpg")
    turn_right = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)  # one TIFF entry: orientation 6
    exif = b"Exif\0\0" + turn_right
    (tmp_path / "1.jpg").write_bytes(code[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + code[2:])
    frame = next(read_frames(tmp_path, range(1, 2)))
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
    detail = refused("frame-unreadable", lambda: next(read_frames(tmp_path, range(1, 2))))
    assert str(file) in detail


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_a_jpeg_without_its_end_marker_is_refused_or_whole(tmp_path, cut, seed):
    code = encoded(cv2.GaussianBlur(picture(seed, 96, 128), (0, 0), 2), ".jpg")
    (tmp_path / "1.jpg").write_bytes(code)
    (tmp_path / "2.jpg").write_bytes(code[:-cut])
    whole = next(read_frames(tmp_path, range(1, 2)))
    try:
        cut_short = next(read_frames(tmp_path, range(2, 3)))
    except SampleError:
        return
    np.testing.assert_array_equal(cut_short, whole)


@pytest.mark.usefixtures("decoder")
def test_what_is_no_image_is_refused_quietly(tmp_path, capfd):
    (tmp_path / "1.bmp").write_bytes(encoded(picture(0), ".bmp")[:200])
    (tmp_path / "2.jpg").write_text("hello")
    for number in (1, 2):
        refused("frame-unreadable", lambda number=number: next(read_frames(tmp_path, range(number, number + 1))))
    assert capfd.readouterr().err == ""


def test_a_file_that_cannot_be_opened_is_a_sample_error(tmp_path):
    write_clip(tmp_path, ["1.png", "2.png"])
    reading = read_frames(tmp_path, range(1, 3))
    next(reading)
    (tmp_path / "2.png").unlink()
    assert "2.png" in refused("frame-unreadable", lambda: next(reading))


def test_another_size_inside_a_clip_is_refused_with_both_files(tmp_path):
    write_clip(tmp_path, ["1.png", "2.png"])
    (tmp_path / "3.png").write_bytes(encoded(picture(3, 23, 30), ".png"))
    reading = read_frames(tmp_path, range(1, 4))
    assert next(reading).shape == next(reading).shape == (23, 31, 3)
    detail = refused("frame-size-changes", lambda: next(reading))
    assert "1.png is 31 × 23" in detail
    assert "3.png is 30 × 23" in detail


# --- the optional decoder --------------------------------------------------------------------------------------------


def by_opencv(code):
    return cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_COLOR_RGB)


def first_frame(folder, code):
    (folder / "1.jpg").write_bytes(code)
    return next(read_frames(folder, range(1, 2)))


def photograph(height, width):
    return cv2.GaussianBlur(picture(7, height, width), (0, 0), 1.5)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("quality", [30, 95])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (61, 83), (1, 1)])
@pytest.mark.parametrize("progressive", [0, 1])
def test_every_kind_of_jpeg_has_the_pixels_that_opencv_gives(tmp_path, sampling, quality, height, width, progressive):
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling], cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, progressive]
    code = encoded(photograph(height, width), ".jpg", *options)
    np.testing.assert_array_equal(first_frame(tmp_path, code), by_opencv(code))
    assert one_image._simplejpeg() is None or one_image._plain_jpeg(code) is not None


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_rare_colour_spaces_have_the_pixels_that_opencv_gives(tmp_path, mode):
    image = pytest.importorskip("PIL.Image").fromarray(photograph(40, 56)).convert(mode)
    image.save(tmp_path / "coded.jpg", quality=90, **({"keep_rgb": True} if mode == "RGB" else {}))
    code = (tmp_path / "coded.jpg").read_bytes()
    (tmp_path / "coded.jpg").unlink()
    np.testing.assert_array_equal(first_frame(tmp_path, code), by_opencv(code))


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
        refused("frame-unreadable", lambda: first_frame(tmp_path, bytes(code)))
    else:
        np.testing.assert_array_equal(first_frame(tmp_path, bytes(code)), expected)


def test_metadata_is_left_to_opencv():
    code = encoded(photograph(16, 16), ".jpg")
    app0 = 4 + int.from_bytes(code[4:6], "big")  # the segment that OpenCV writes first
    exif = b"\xff\xe1\x00\x08Exif\0\0"
    assert one_image._has_no_metadata(code)
    for rest in (exif + code[2:], code[2:app0] + exif + code[app0:], b"\xff" + code[2:], b"\0" + code[2:], b""):
        assert not one_image._has_no_metadata(code[:2] + rest)
    assert not one_image._has_no_metadata(encoded(photograph(16, 16), ".png"))


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", [*LOSSLESS, ".jpg"])
def test_a_grey_file_shares_one_channel_and_a_grey_picture_in_colour_does_not(tmp_path, suffix):
    grey = photograph(30, 40)[..., 0]
    (tmp_path / f"1{suffix}").write_bytes(encoded(grey, suffix))
    (tmp_path / f"2{suffix}").write_bytes(encoded(np.repeat(grey[..., np.newaxis], 3, 2), suffix))
    coded, shown = read_frames(tmp_path, range(1, 3))
    np.testing.assert_array_equal(frames.one_channel(coded), coded[..., 2])
    assert not coded.flags.writeable
    assert frames.one_channel(shown) is None


# --- video -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lossless_video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "clip: 50 %.avi"
    pictures = [picture(seed, 32, 48) for seed in range(12)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 25, (48, 32))
    assert writer.isOpened()
    for image in pictures:
        writer.write(image[..., ::-1])
    writer.release()
    return path, pictures


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 11), st.integers(0, 11))
def test_any_window_of_a_video_is_that_of_a_full_decode(lossless_video, first, last):
    path, pictures = lossless_video
    window = range(min(first, last), max(first, last) + 1)
    read = list(read_frames(path, window))
    assert len(read) == len(window)
    np.testing.assert_array_equal(np.stack(read), np.stack(pictures[window.start : window.stop]))


def test_a_video_that_ends_early_says_how_many_frames_it_decodes_to(lossless_video):
    path, _ = lossless_video
    reading = read_frames(path, range(10, 13))
    assert len([next(reading), next(reading)]) == 2
    assert "decodes to 12 frames" in refused("frames-missing", lambda: next(reading))


def test_positions_in_a_video_start_at_zero(lossless_video):
    path, _ = lossless_video
    assert "start at 0" in refused("frames-missing", lambda: require_listed(path, range(-1, 3)))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000)])
def test_a_file_that_is_no_video_is_told(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    require_listed(path, range(3))
    refused("clip-unreadable", lambda: next(read_frames(path, range(3))))


def decoded_in_order(path):
    capture = cv2.VideoCapture(str(path))
    while True:
        more, frame = capture.read()
        if not more:
            return
        yield frame[..., ::-1]


@pytest.mark.parametrize("name", ["bbaf2n", "swiz3n"])
@pytest.mark.parametrize("window", [range(1), range(12, 20), range(70, 75), range(3, 40, 9)])
def test_windows_of_mpeg_match_a_sequential_decode(media, name, window):
    path = media / "grid" / f"{name}.mpg"
    whole = list(decoded_in_order(path))
    np.testing.assert_array_equal(np.stack(list(read_frames(path, window))), np.stack([whole[at] for at in window]))


def test_the_header_of_a_video_is_not_believed(media):
    path = media / "pyfeat" / "no_face.mp4"
    assert next(read_frames(path, range(94, 95))).shape == (540, 960, 3)
    assert "decodes to 95 frames" in refused("frames-missing", lambda: list(read_frames(path, range(94, 98))))


def test_variable_frame_rate_is_read_by_position(media):
    path = media / "pyfeat" / "face_noface.mov"
    window = range(66, 76)
    expected = [frame for position, frame in enumerate(decoded_in_order(path)) if position in window]
    np.testing.assert_array_equal(np.stack(list(read_frames(path, window))), np.stack(expected))


def test_a_real_rgba_picture_reads_as_rgb(media, tmp_path):
    (tmp_path / "1.png").symlink_to(media / "stills" / "32bit.png")
    stored = cv2.imread(str(media / "stills" / "32bit.png"), cv2.IMREAD_UNCHANGED)
    assert stored.shape[2] == 4
    np.testing.assert_array_equal(next(read_frames(tmp_path, range(1, 2))), stored[..., 2::-1])
