"""Frames as RGB uint8 arrays, one at a time, from a folder of images or a video. Sees files, not faces."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from mer_di.errors import InputError, SampleError
from mer_di.imaging.image import decode_image, read_file
from mer_di.imaging.listing import require_listed
from mer_di.imaging.video import count_in_video, read_video


def read_frames(
    path: Path, numbers: range, files: Sequence[str] = (), digest: xxh3_128 | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Decode the frames asked for, in order, one in memory at a time.

    Parameters
    ----------
    path : pathlib.Path
        A folder of images, or a video file.
    numbers : range
        Ascending and not empty. Frame numbers as in the file names of a folder; 0-based positions in a video,
        counted by decoding from its start, because seeking by position returns other frames in common formats.
    files : sequence of str, optional
        What :func:`mer_di.imaging.listing.require_listed` returned, where that was asked before.
    digest : xxhash.xxh3_128, optional
        Is given what is read, as `frames_digest` does it.

    Yields
    ------
    ndarray of uint8, shape (H, W, 3), RGB
        A new array each. Of an image that is coded in grey, a read-only view whose three channels are one and the
        same memory (see :func:`one_channel`). Transparency is left out, EXIF and video rotation are applied. Video of
        10, 12 or 14 bits is converted to 8 by FFmpeg; with 16 bits, and in an image of more than 8, nobody knows how
        many are in use: refused.

    Raises
    ------
    InputError
        If ``numbers`` is empty or descends.
    SampleError
        ``frame-unreadable``: a frame is damaged, cut short, or declares more pixels than
        :data:`mer_di.imaging.header.LARGEST_FRAME`. ``frame-not-8-bit``: its pixels have more bits.
        ``frame-size-changes``: it has another size than the first one. ``clip-unreadable``: the file is no video, or
        a playlist of other files. ``clip-changed``: a file changed while it was read. ``frames-missing``: the video
        ends early; and those of :func:`mer_di.imaging.listing.require_listed`.
    """
    if not numbers or numbers.step < 1:
        raise InputError(f"numbers is {numbers}; expected an ascending range of at least one frame")
    digest = digest or xxh3_128()
    first: tuple[str, tuple[int, ...]] | None = None
    for name, frame in _decoded(path, numbers, files, digest):
        first = first or (name, frame.shape)
        if frame.shape != first[1]:
            raise SampleError(
                "frame-size-changes",
                f"in {path}, {first[0]} is {_size(first[1])} and {name} is {_size(frame.shape)} (width × height); "
                "expected one size throughout a clip",
            )
        yield frame


def frames_digest(path: Path, numbers: range, files: Sequence[str] = ()) -> str:
    """Return the XXH3-128 of the files that frames are decoded from, hexadecimal, without decoding them.

    Each file counts with its length, so that no two clips of other files have the same digest but by chance; of a video
    the whole file counts. It tells of frames that were mended, replaced or mixed up, not of malice.

    Parameters
    ----------
    path, numbers, files
        See `read_frames`.

    Raises
    ------
    SampleError
        If a file is not there or cannot be read.
    """
    digest = xxh3_128()
    names = files or require_listed(path, numbers)
    for name in names:
        _count_in(digest, read_file(f"{path}{os.sep}{name}"))
    if not names:
        count_in_video(digest, path)
    return digest.hexdigest()


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


def _decoded(
    path: Path, numbers: range, files: Sequence[str], digest: xxh3_128
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    names = files or require_listed(path, numbers)
    for name in names:
        file = f"{path}{os.sep}{name}"
        encoded = read_file(file)
        _count_in(digest, encoded)
        yield name, decode_image(encoded, file)
    if not names:
        yield from read_video(path, numbers, digest)


def _count_in(digest: xxh3_128, encoded: bytes) -> None:
    digest.update(len(encoded).to_bytes(8, "little"))
    digest.update(encoded)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
