"""The frames of a clip, in order and of one size."""

import numpy as np
import pytest
from pictures_on_disk import LOSSLESS, encoded, picture, refused, write_clip

from mer_di.errors import InputError
from mer_di.imaging import frames
from mer_di.imaging.frames import Stacks, read_frames


@pytest.mark.parametrize("numbers", [range(0), range(5, 5), range(9, 3, -1)])
def test_an_empty_or_descending_range_is_refused(tmp_path, numbers):
    with pytest.raises(InputError, match="ascending"):
        next(read_frames(tmp_path, numbers))


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_images_come_back_exactly_in_order_and_rgb(tmp_path, suffix):
    pictures = write_clip(tmp_path, [f"img{number}{suffix}" for number in range(8, 13)], suffix)
    read = list(read_frames(tmp_path, range(9, 12)))
    assert len(read) == 3
    for number, frame in zip(range(9, 12), read, strict=True):
        assert frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, pictures[f"img{number}{suffix}"])


def test_frames_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    write_clip(tmp_path, [f"{number}.png" for number in range(5)])
    decoded = []
    original = frames.decode_image
    monkeypatch.setattr(frames, "decode_image", lambda code, file, room: decoded.append(file) or original(code, file))
    reading = read_frames(tmp_path, range(5))
    next(reading)
    assert decoded == [str(tmp_path / "0.png")]


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


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", [*LOSSLESS, ".jpg"])
def test_a_grey_file_shares_one_channel_and_a_grey_picture_in_colour_does_not(tmp_path, suffix):
    grey = picture(0, 30, 40)[..., 0]
    (tmp_path / f"1{suffix}").write_bytes(encoded(grey, suffix))
    (tmp_path / f"2{suffix}").write_bytes(encoded(np.repeat(grey[..., np.newaxis], 3, 2), suffix))
    coded, shown = read_frames(tmp_path, range(1, 3))
    np.testing.assert_array_equal(frames.one_channel(coded), coded[..., 2])
    assert not coded.flags.writeable
    assert frames.one_channel(shown) is None


WHOLE = slice(0, 30), slice(0, 41)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("region", [WHOLE, (slice(3, 30), slice(0, 41)), (slice(7, 8), slice(5, 40))])
@pytest.mark.parametrize("grey", [(), (0, 1, 2, 3, 4), (0, 1, 2), (3, 4), (1,)])
def test_stacks_are_a_region_of_the_frames_in_order(tmp_path, monkeypatch, suffix, region, grey):
    for number in range(5):
        shown = picture(number, 30, 41)
        (tmp_path / f"{number}{suffix}").write_bytes(encoded(shown[..., 0] if number in grey else shown, suffix))
    monkeypatch.setattr(frames, "STACK_FRAMES", 2)
    expected = np.stack(list(read_frames(tmp_path, range(5))))
    clip = Stacks(tmp_path, range(5))
    np.testing.assert_array_equal(clip.first, expected[0])
    stacks = [(len(stack), stack.copy(), frames.one_channel(stack) is not None) for stack in clip.of(region)]
    np.testing.assert_array_equal(np.concatenate([stack for _, stack, _ in stacks]), expected[:, *region])
    assert max(length for length, _, _ in stacks) == 2
    assert all(one_channel for _, _, one_channel in stacks) == (len(grey) == 5)


def test_stacks_share_memory_and_are_of_a_frame_where_frames_are_large(tmp_path, monkeypatch):
    write_clip(tmp_path, [f"{number}.png" for number in range(3)])
    monkeypatch.setattr(frames, "STACK_BYTES", 1)
    first, second, third = Stacks(tmp_path, range(3)).of((slice(None), slice(None)))
    assert len(first) == len(second) == len(third) == 1
    assert np.shares_memory(first, third)
