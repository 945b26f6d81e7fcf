"""What a clip holds: frames of a folder by their numbers, without decoding any."""

import os
import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from mer_di.errors import SampleError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})

_LAST_NUMBER = re.compile(r"([0-9]+)[^0-9]*$")
_SPANS_SHOWN = 6


def list_frames(folder: Path) -> dict[int, Path]:
    """List the frames of a folder by number.

    Parameters
    ----------
    folder : pathlib.Path
        Images named with a frame number: ``img12.jpg``, ``006_05562.jpg``, ``reg_img46.jpg``. Other files
        (``Thumbs.db``), hidden ones (``.DS_Store``, ``._img1.jpg``) and folders are passed over.

    Returns
    -------
    dict of int to pathlib.Path
        Frame number, the last run of digits in the file's stem whatever its zero padding, to file; ascending.

    Raises
    ------
    SampleError
        ``clip-not-found``: the folder cannot be listed. ``frame-unnumbered``: an image has no number in its name.
        ``frames-ambiguous``: two images have the same number.
    """
    frames: dict[int, Path] = {}
    for name in sorted(_image_names(folder)):
        number = _number(folder, name)
        if number in frames:
            raise SampleError(
                "frames-ambiguous",
                f"{folder} holds {frames[number].name} and {name}, both frame {number}; expected one image a number: "
                "move the other away",
            )
        frames[number] = folder / name
    return dict(sorted(frames.items()))


def require_listed(path: Path, numbers: range) -> None:
    """Check, without decoding anything, that a clip can hold the frames asked for.

    Parameters
    ----------
    path : pathlib.Path
        A folder of images, or a video file. Of a video only existence is checked: its header's frame count can
        exceed what decodes, so that the truth is known after :func:`read_frames`.
    numbers : range
        Frame numbers as in the file names of a folder; 0-based positions in a video.

    Raises
    ------
    SampleError
        ``clip-not-found``; ``frames-missing``: the first or the last frame is not there; ``frame-gap``: both are,
        but not all between them; and those of :func:`list_frames`.
    """
    if path.is_dir():
        require_files(path, numbers)
    else:
        require_video(path, numbers)


def _image_names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a name, not a path
                and entry.is_file()
            ]
    except OSError as err:
        raise SampleError(
            "clip-not-found", f"{folder} cannot be listed ({err.strerror}); expected a folder of images"
        ) from err


def _number(folder: Path, name: str) -> int:
    digits = _LAST_NUMBER.search(os.path.splitext(name)[0])  # noqa: PTH122
    if digits is None:
        raise SampleError(
            "frame-unnumbered",
            f"{folder} holds {name}, an image without a number in its name; expected frame numbers as in img12.jpg: "
            "rename it or move it away",
        )
    return int(digits[1])


def require_files(folder: Path, numbers: range) -> dict[int, Path]:
    """List a folder as `list_frames` does, and make sure that the frames asked for are there.

    Raises
    ------
    SampleError
        ``frames-missing``, ``frame-gap``, and those of `list_frames`.
    """
    files = list_frames(folder)
    missing = [number for number in numbers if number not in files]
    if missing:
        both_ends = numbers[0] in files and numbers[-1] in files
        raise SampleError(
            "frame-gap" if both_ends else "frames-missing",
            f"frames {numbers[0]}..{numbers[-1]} are asked for, {folder} holds {_spans(files)}; "
            f"missing are {_spans(missing)}",
        )
    return files


def _spans(numbers: Iterable[int]) -> str:
    """Write ascending numbers as ``3, 7..9``; a run has one difference to its index."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs[:_SPANS_SHOWN]]
    return ", ".join([*shown, "…"] if len(runs) > _SPANS_SHOWN else shown) or "no image"


def require_video(path: Path, numbers: range) -> None:
    """Make sure that a video is there and that no position before its start is asked for.

    Raises
    ------
    SampleError
        ``clip-not-found``, ``frames-missing``.
    """
    if not path.is_file():
        raise SampleError("clip-not-found", f"{path} does not exist; expected a folder of images or a video file")
    if numbers and numbers[0] < 0:
        raise SampleError(
            "frames-missing",
            f"frames {numbers[0]}..{numbers[-1]} of {path} are asked for; positions in a video start at 0",
        )
