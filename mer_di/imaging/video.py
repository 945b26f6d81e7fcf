"""Frames of a video as RGB, by decoding it from its start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from xxhash import xxh3_128

from mer_di.errors import SampleError
from mer_di.imaging.header import LARGEST_FRAME, require_size
from mer_di.imaging.listing import require_video

DEEPEST = 14
"""Bits a channel at most that FFmpeg scales to 8. In 16 there may be any number in use, and no file says how many."""

_PIECE = 1 << 20  # bytes read at a time
_START = 4096  # bytes by which a text is told from a video
_LINES_AND_TABS = str.maketrans("", "", "\t\n\r")
_UNEVEN = (
    "{} has empty chunks near frame {} (0-based): players show a frame longer there and count on, decoders do not, and "
    "a table's numbers may be of either; extract the frames as pictures and number those, or write the video anew"
)
_OPTIONS = {"protocol_whitelist": "", "max_pixels": str(LARGEST_FRAME)}  # a playlist can open nothing

# Damage that FFmpeg conceals without marking the frame, it tells on stderr alone; PyAV would drop those lines.
av.logging.restore_default_callback()
av.logging.set_libav_level(av.logging.ERROR)


def read_video(path: Path, numbers: range, digest: xxh3_128) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Decode a video from its start, and yield the frames asked for.

    The file is opened once: what the digest is given is what is decoded, even where another file takes its name.

    Parameters
    ----------
    path : pathlib.Path
    numbers : range
        Ascending, not empty, 0-based positions.
    digest : xxhash.xxh3_128
        Is given the whole file, with its length, when all frames have been taken.

    Yields
    ------
    str
        What a message calls the frame.
    ndarray of uint8, shape (H, W, 3), RGB

    Raises
    ------
    SampleError
        ``clip-unreadable``, ``clip-changed``, ``frame-gap``, ``frame-unreadable``, ``frame-not-8-bit``,
        ``frames-missing``, and those of `require_video`.
    """
    require_video(path, numbers)
    with _opened(path) as file:
        before = _state(file)
        yield from _decoded(path, file, numbers)
        file.seek(0)
        _count_in(digest, file)
        if _state(file) != before:
            raise SampleError("clip-changed", f"{path} changed while it was read; build again when it is written")


def count_in_video(digest: xxh3_128, path: Path) -> None:
    """Give a digest what `read_video` gives it.

    Raises
    ------
    SampleError
        ``clip-unreadable``.
    """
    with _opened(path) as file:
        _count_in(digest, file)


def count_frames(path: Path) -> int:
    """Return how many frames a video holds, without decoding any: headers promise more, or say nothing.

    Raises
    ------
    SampleError
        ``clip-unreadable``, and those of `require_video`.
    """
    require_video(path, range(0))
    with _opened(path) as file:
        if _is_text(file.peek(_START)[:_START]):
            raise SampleError("clip-unreadable", f"{path} is a text; expected a video")
        try:
            with av.open(file, "r", options=_OPTIONS, metadata_errors="replace") as container:
                packets = container.demux(_stream(path, container))
                return sum(packet.size > 0 and not packet.is_discard for packet in packets)  # a cut may hide some
        except (av.FFmpegError, OSError) as err:
            raise SampleError("clip-unreadable", f"{path} is damaged, or no video ({err.strerror})") from err


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as err:
        raise SampleError("clip-unreadable", f"{path} cannot be read ({err.strerror})") from err


def _state(file: BufferedReader) -> tuple[int, int]:
    state = os.fstat(file.fileno())
    return state.st_size, state.st_mtime_ns


def _count_in(digest: xxh3_128, file: BufferedReader) -> None:
    digest.update(os.fstat(file.fileno()).st_size.to_bytes(8, "little"))
    while piece := file.read(_PIECE):
        digest.update(piece)


def _decoded(path: Path, file: BufferedReader, numbers: range) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    if _is_text(file.peek(_START)[:_START]):
        raise SampleError(
            "clip-unreadable",
            f"{path} is a text, as playlists are that name other files; expected a video, whole in one file",
        )
    decoded = 0
    try:
        with av.open(file, "r", options=_OPTIONS, metadata_errors="replace") as container:
            convert = VideoReformatter()
            damaged = False
            for frame in _stored(path, container):
                damaged = frame.is_corrupt or (damaged and not frame.key_frame)
                if decoded in numbers:
                    name = f"frame {decoded}"
                    if damaged:
                        raise SampleError("frame-unreadable", f"{name} of {path} is damaged, or follows a damaged one")
                    yield name, _rgb(frame, name, path, convert)
                if decoded == numbers[-1]:
                    return
                decoded += 1
    except (av.FFmpegError, OSError) as err:
        raise SampleError(
            "frame-unreadable" if decoded else "clip-unreadable",
            f"{path} is damaged, or no video: FFmpeg decodes {decoded} frames of it ({err.strerror}); copy it again",
        ) from err
    raise SampleError(
        "frames-missing",
        f"frames {numbers[0]}..{numbers[-1]} (0-based) are asked for, {path} decodes to {decoded} frames",
    )


def _stored(path: Path, container: InputContainer) -> Iterator[VideoFrame]:
    """Decode frames, of an AVI as far as they are evenly spaced: its times count chunks, and some may be empty."""
    times: list[int] = []
    for packet in container.demux(_stream(path, container)):
        if "avi" in container.format.name and packet.dts is not None:
            times.append(packet.dts)
            if len(times) > 2 and times[-1] - times[-2] != times[1] - times[0]:
                raise SampleError("frame-gap", _UNEVEN.format(path, len(times) - 2))
        yield from packet.decode()


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and text.translate(_LINES_AND_TABS).isprintable()


def _stream(path: Path, container: InputContainer) -> VideoStream:
    stream = next((stream for stream in container.streams.video if stream.codec_context), None)
    if stream is None:
        raise SampleError("clip-unreadable", f"{path} holds no pictures that can be decoded ({container.format.name})")
    require_size(stream.width, stream.height, str(path))
    stream.codec_context.thread_count = 1  # samples are the unit of parallel work
    return stream


def _rgb(frame: VideoFrame, name: str, path: Path, convert: VideoReformatter) -> NDArray[np.uint8]:
    if max(component.bits for component in frame.format.components) > DEEPEST:
        raise SampleError(
            "frame-not-8-bit",
            f"{name} of {path} has {frame.format.name} pixels, and nobody knows how many bits are in use; expected up "
            f"to {DEEPEST} a channel: convert the clip with a scaling of your own choice",
        )
    # BGR: for RGB, FFmpeg has code that rounds otherwise.
    bgr = convert.reformat(frame, format="bgr24", interpolation=Interpolation.BICUBIC, threads=1).to_ndarray()
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    return rgb if frame.rotation % 90 else np.ascontiguousarray(np.rot90(rgb, frame.rotation // 90))
