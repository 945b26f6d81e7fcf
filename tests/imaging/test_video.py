"""Videos against a full decode in order."""

import struct
import wave
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures_on_disk import encoded, picture, refused
from xxhash import xxh3_128

from mer_di.imaging import video
from mer_di.imaging.frames import frames_digest, read_frames
from mer_di.imaging.listing import require_listed


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


def written(path, pictures, codec, pixels="yuv420p", **options):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, _ = pictures[0].shape
        stream.pix_fmt = pixels
        for image in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode())
    return path


def decoded_in_order(path):
    capture = cv2.VideoCapture(str(path))
    while True:
        more, frame = capture.read()
        if not more:
            return
        yield frame[..., ::-1]


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


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000)])
def test_a_file_that_is_no_video_is_told(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    require_listed(path, range(3))
    refused("clip-unreadable", lambda: next(read_frames(path, range(3))))


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


def with_frames_at(path, times, codec):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number, 32, 48), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("codec", ["ffv1", "mpeg4"])
def test_an_avi_that_shows_frames_again_is_read_up_to_them(tmp_path, codec):
    path = with_frames_at(tmp_path / "clip.avi", [*range(6), *range(9, 12)], codec)
    assert len(list(read_frames(path, range(6)))) == 6
    assert "near frame 5 (0-based)" in refused("frame-gap", lambda: list(read_frames(path, range(7))))


def test_an_avi_that_shows_every_frame_twice_is_read(tmp_path):
    path = with_frames_at(tmp_path / "clip.avi", range(0, 24, 2), "ffv1")
    assert len(list(read_frames(path, range(12)))) == 12


def test_an_interlaced_video_is_decoded(tmp_path):
    """OpenCV 5.0 returns black pictures of one, and says that it decoded them."""
    drawn = cv2.resize(picture(0, 6, 8), (720, 576))
    path = written(tmp_path / "clip.avi", [drawn], "dvvideo")
    (read,) = read_frames(path, range(1))
    assert np.abs(read.astype(int) - drawn).mean() < 4


def test_frames_of_another_size_are_not_scaled_to_the_first(tmp_path):
    path = tmp_path / "clip.mjpeg"
    path.write_bytes(b"".join(encoded(picture(seed, 64 if seed < 4 else 32, 48), ".jpg") for seed in range(8)))
    reading = read_frames(path, range(8))
    assert [next(reading).shape for _ in range(4)] == [(64, 48, 3)] * 4
    detail = refused("frame-size-changes", lambda: next(reading))
    assert "frame 0 is 48 × 64" in detail
    assert "frame 4 is 48 × 32" in detail


@pytest.mark.parametrize(("matrix", "turns"), [((0, 1, -1, 0), -1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)])
def test_a_video_that_is_marked_as_turned_is_turned(tmp_path, matrix, turns):
    path = written(tmp_path / "clip.mp4", [cv2.resize(picture(0, 4, 6), (48, 32))], "mpeg4")
    (straight,) = read_frames(path, range(1))
    code = bytearray(path.read_bytes())
    across, down, left, up = (part << 16 for part in matrix)
    struct.pack_into(">9i", code, code.index(b"tkhd") + 44, across, down, 0, left, up, 0, 0, 0, 1 << 30)
    path.write_bytes(code)
    (turned,) = read_frames(path, range(1))
    np.testing.assert_array_equal(turned, np.rot90(straight, turns))


@pytest.mark.parametrize("pixels", ["gray16le", "gbrp16le"])
def test_sixteen_bits_are_refused_for_nobody_knows_how_many_are_in_use(tmp_path, pixels):
    path = written(tmp_path / "clip.mkv", [picture(0, 32, 48)], "ffv1", pixels)
    assert pixels in refused("frame-not-8-bit", lambda: next(read_frames(path, range(1))))


@pytest.mark.parametrize("pixels", ["gray10le", "gray12le"])
def test_as_many_bits_as_a_format_names_are_scaled_to_eight(tmp_path, pixels):
    grey = np.repeat(picture(0, 32, 48)[..., :1], 3, axis=2)
    path = written(tmp_path / "clip.mkv", [grey], "ffv1", pixels)
    (read,) = read_frames(path, range(1))
    assert np.abs(read.astype(int) - grey).max() <= 1


PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n{}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile {}\n",
    "DASH": '<?xml version="1.0"?>\n<MPD><Period><BaseURL>{}</BaseURL></Period></MPD>\n',
    "a session": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns={}\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ffconcat", ".sdp", ""])
def test_a_playlist_is_refused_whatever_its_name_says(tmp_path, lossless_video, kind, suffix, monkeypatch):
    (tmp_path / "other.avi").write_bytes(lossless_video[0].read_bytes())
    path = tmp_path / f"clip{suffix}"
    path.write_text(PLAYLISTS[kind].format("other.avi"))
    monkeypatch.setattr(video.av, "open", lambda *_, **__: pytest.fail("FFmpeg was asked"))
    assert "playlists" in refused("clip-unreadable", lambda: next(read_frames(path, range(3))))


def test_ffmpeg_opens_no_file_that_another_one_names(tmp_path, lossless_video, monkeypatch):
    """Even where a list is not seen to be one."""
    monkeypatch.setattr(video, "_is_text", lambda _: False)
    (tmp_path / "other.avi").write_bytes(lossless_video[0].read_bytes())
    path = tmp_path / "clip.ffconcat"
    path.write_text(PLAYLISTS["ffconcat"].format("other.avi"))
    refused("clip-unreadable", lambda: next(read_frames(path, range(3))))


def test_a_sound_is_no_clip(tmp_path):
    with wave.open(str(tmp_path / "clip.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    assert "no pictures" in refused("clip-unreadable", lambda: next(read_frames(tmp_path / "clip.wav", range(3))))


def test_a_video_of_gigapixels_is_refused_before_one_is_decoded(tmp_path):
    path = tmp_path / "clip.y4m"
    path.write_bytes(b"YUV4MPEG2 W6000 H6000 F25:1\nFRAME\n" + bytes(1000))
    assert "6000 × 6000" in refused("frame-unreadable", lambda: next(read_frames(path, range(1))))


def test_a_damaged_frame_is_refused_with_those_that_lean_on_it(tmp_path):
    drawn = [cv2.resize(picture(seed, 12, 16), (256, 192)) for seed in range(8)]
    path = written(tmp_path / "clip.avi", drawn, "mpeg4", g="4")  # a key frame every four frames
    with av.open(str(path)) as container:
        damaged = [packet for packet in container.demux(video=0) if packet.size][2]
    code = bytearray(path.read_bytes())
    middle = code.index(bytes(damaged)) + damaged.size // 2
    code[middle : middle + 40] = bytes(40)
    path.write_bytes(code)
    assert len(list(read_frames(path, range(2)))) == 2
    assert "frame 2 of" in refused("frame-unreadable", lambda: list(read_frames(path, range(8))))
    assert "frame 3 of" in refused("frame-unreadable", lambda: next(read_frames(path, range(3, 4))))
    assert len(list(read_frames(path, range(4, 8)))) == 4


def test_a_video_that_changes_while_it_is_read_is_refused(tmp_path, lossless_video):
    path = tmp_path / "clip.avi"
    path.write_bytes(lossless_video[0].read_bytes())
    reading = read_frames(path, range(12))
    next(reading)
    with path.open("ab") as file:
        file.write(b"more")
    assert "changed" in refused("clip-changed", lambda: list(reading))


def test_the_digest_is_of_the_file_that_was_decoded(tmp_path, lossless_video):
    path = tmp_path / "clip.avi"
    path.write_bytes(lossless_video[0].read_bytes())
    digest, whole = xxh3_128(), frames_digest(path, range(12))
    reading = read_frames(path, range(12), digest=digest)
    first = next(reading)
    path.unlink()
    path.write_bytes(b"another video of the same name")
    assert len([first, *reading]) == 12
    assert digest.hexdigest() == whole != frames_digest(path, range(12))


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "mjpeg", "ffv1"])
@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_frames_are_counted_without_decoding_as_many_as_decode(tmp_path, codec, suffix):
    if (codec, suffix) == ("ffv1", ".mp4") or codec not in av.codecs_available:
        pytest.skip("no such file")
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = written(tmp_path / f"clip{suffix}", [picture(seed, 32, 48) for seed in range(30)], codec, pixels)
    assert video.count_frames(path) == len(list(read_frames(path, range(30)))) == 30


def test_what_is_no_video_has_no_number_of_frames(tmp_path):
    for name, content in (("text.avi", b"a playlist\n"), ("empty.avi", b""), ("cut.avi", b"RIFF\x00\x01")):
        (tmp_path / name).write_bytes(content)
        refused("clip-unreadable", lambda path=tmp_path / name: video.count_frames(path))
    refused("clip-not-found", lambda: video.count_frames(tmp_path / "gone.avi"))


def test_frames_that_a_cut_hides_are_neither_read_nor_counted(tmp_path):
    path = with_frames_at(tmp_path / "clip.mp4", range(-5, 7), "libx264")
    assert video.count_frames(path) == 7
    assert len(list(read_frames(path, range(7)))) == 7
    assert "decodes to 7 frames" in refused("frames-missing", lambda: list(read_frames(path, range(8))))
