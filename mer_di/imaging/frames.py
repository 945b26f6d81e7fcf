"""Frames as RGB uint8 arrays, one at a time, from a folder of images or a video. Sees files, not faces."""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from mer_di.errors import InputError, SampleError
from mer_di.imaging.image import Room, decode_image, near, read_file
from mer_di.imaging.listing import require_listed
from mer_di.imaging.video import count_in_video, read_video
from mer_di.kernels.constants import FRAMES

STACK_FRAMES = 32  # four passes over the sums, which fill more of the cache than the frames
STACK_BYTES = 1 << 23


def read_frames(
    path: Path, numbers: range, files: Sequence[str] = (), digest: xxh3_128 | None = None, room: Room = near
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
        Is given what is read, as `frames_digest` does it; complete when all frames have been taken.
    room : callable, optional
        See :func:`mer_di.imaging.image.decode_image`.

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
        a playlist of other files. ``clip-changed``: a file changed while it was read. ``frame-gap``: an AVI shows
        a frame longer than others. ``frames-missing``: the video ends early; and those of
        :func:`mer_di.imaging.listing.require_listed`.
    """
    if not numbers or numbers.step < 1:
        raise InputError(f"numbers is {numbers}; expected an ascending range of at least one frame")
    digest = digest or xxh3_128()
    first: tuple[str, tuple[int, ...]] | None = None
    for name, frame in _decoded(path, numbers, files, digest, room):
        first = first or (name, frame.shape)
        if frame.shape != first[1]:
            raise SampleError(
                "frame-size-changes",
                f"in {path}, {first[0]} is {_size(first[1])} and {name} is {_size(frame.shape)} (width × height); "
                "expected one size throughout a clip",
            )
        yield frame


class Stacks:
    """The frames of a clip in order, a region of several at a time in the same memory, to be summed where they are.

    Parameters
    ----------
    path, numbers, files, digest
        See `read_frames`.

    Attributes
    ----------
    first : ndarray of uint8, shape (H, W, 3), RGB
        The first frame, which may decide the region; overwritten when stacks are taken.

    Raises
    ------
    InputError, SampleError
        See `read_frames`.
    """

    def __init__(self, path: Path, numbers: range, files: Sequence[str] = (), digest: xxh3_128 | None = None) -> None:
        self._page: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._stack: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
        self._count = 0
        self._frames = read_frames(path, numbers, files, digest, self._room)
        self.first = next(self._frames)

    def of(self, region: tuple[slice, slice]) -> Iterator[NDArray[np.uint8]]:
        """Decode the clip to its end, once.

        Parameters
        ----------
        region : tuple of slice
            Rows and columns that are wanted.

        Yields
        ------
        ndarray of uint8, shape (n, h, w, 3), RGB
            The next n frames, up to `STACK_FRAMES` and, if they are more than one, `STACK_BYTES`; overwritten by those
            that follow. If all are coded in grey, the channels are one and the same memory.

        Raises
        ------
        SampleError
            See `read_frames`.

        Notes
        -----
        Whole frames are decoded into the stack. Where a part of them is wanted, each is decoded into the memory of the
        one before, and the part is copied: a stack of whole frames would push itself out of the processor's cache.
        """
        for frame in chain([self.first], self._frames):
            grey = one_channel(frame)
            pixels = (frame if grey is None else grey)[region]
            if self._count and self._stack.shape[1:] != pixels.shape:
                yield self._taken()
            if self._stack.shape[1:] != pixels.shape:
                self._stack = near((_at_once(pixels.size), *pixels.shape))
            place = self._stack[self._count]
            if not np.may_share_memory(place, pixels):
                place[:] = pixels
            self._count += 1
            if self._count == len(self._stack):
                yield self._taken()
        if self._count:
            yield self._taken()

    def _room(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Return where a frame is decoded: in the stack if it takes whole frames, else where the one before was."""
        if self._stack.shape[1:] == shape:
            place: NDArray[np.uint8] = self._stack[self._count]
            return place
        if self._page.shape != shape:
            self._page = near(shape)
        return self._page

    def _taken(self) -> NDArray[np.uint8]:
        frames, self._count = self._stack[: self._count], 0
        return frames if frames.ndim == 4 else np.broadcast_to(frames[..., np.newaxis], (*frames.shape, 3))


def _at_once(frame_bytes: int) -> int:
    """Return how many frames there is room for: those of whole passes of a sum, or else as many as fit."""
    fitting = min(max(STACK_BYTES // frame_bytes, 1), STACK_FRAMES)
    return fitting - fitting % FRAMES or fitting


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
    frame : ndarray of uint8, shape (H, W, 3) or (n, H, W, 3)
        As :func:`read_frames` or `Stacks` yields it.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (n, H, W), or None
        None if each channel has memory of its own, even where their pixels are equal.
    """
    return frame[..., 0] if frame.strides[-1] == 0 else None


def _decoded(
    path: Path, numbers: range, files: Sequence[str], digest: xxh3_128, room: Room
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    names = files or require_listed(path, numbers)
    for name in names:
        file = f"{path}{os.sep}{name}"
        encoded = read_file(file)
        _count_in(digest, encoded)
        yield name, decode_image(encoded, file, room)
    if not names:
        yield from read_video(path, numbers, digest)


def _count_in(digest: xxh3_128, encoded: bytes) -> None:
    digest.update(len(encoded).to_bytes(8, "little"))
    digest.update(encoded)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
