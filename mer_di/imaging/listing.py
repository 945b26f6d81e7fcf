"""What a clip holds: frames of a folder by their numbers, without decoding any."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path

from mer_di.errors import SampleError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff"})

_LAST_NUMBER = re.compile(r"([0-9]+)[^0-9]*$")
_SPANS_SHOWN = 6
_OTHERS_SHOWN = 3


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
    return {number: folder / name for number, name in _numbered(folder, _entries(folder)[0]).items()}


def require_listed(path: Path, numbers: range) -> tuple[str, ...]:
    """Check, without decoding anything, that a clip can hold the frames asked for.

    Parameters
    ----------
    path : pathlib.Path
        A folder of images, or a video file. Of a video only existence is checked: its header's frame count can
        exceed what decodes, so that the truth is known after :func:`read_frames`.
    numbers : range
        Frame numbers as in the file names of a folder; 0-based positions in a video.

    Returns
    -------
    tuple of str
        Names of the frames' files in the folder, in their order; empty for a video.

    Raises
    ------
    SampleError
        ``clip-not-found``; ``frames-missing``: the first or the last frame is not there; ``frame-gap``: both are,
        but not all between them; and those of :func:`list_frames`.
    """
    if os.path.isdir(path):  # noqa: PTH112 - the method raises where a folder above is closed
        return require_files(path, numbers)
    require_video(path, numbers)
    return ()


def require_files(folder: Path, numbers: range) -> tuple[str, ...]:
    """Return the names of the files that hold the frames asked for, in their order.

    Raises
    ------
    SampleError
        ``frames-missing``, ``frame-gap``, and those of `list_frames`.
    """
    images, others = _entries(folder)
    names = _numbered(folder, images)
    there = [number for number in names if number in numbers]
    if len(there) < len(numbers):
        both_ends = numbers[0] in names and numbers[-1] in names
        raise SampleError(
            "frame-gap" if both_ends else "frames-missing",
            f"frames {numbers[0]}..{numbers[-1]} are asked for, {folder} holds {_written(_runs(names))}; "
            f"missing are {_written(_between(there, numbers))}{_beside(others)}",
        )
    return tuple(names[number] for number in there)


def require_video(path: Path, numbers: range) -> None:
    """Make sure that a video is there and that no position before its start is asked for.

    Raises
    ------
    SampleError
        ``clip-not-found``, ``clip-unreadable``, ``frames-missing``.
    """
    if not os.path.isfile(path):  # noqa: PTH113
        raise SampleError("clip-not-found", f"{path} {_why_no_file(path)}; expected a folder of images or a video file")
    if path.suffix.casefold() in IMAGE_SUFFIXES:
        raise SampleError(
            "clip-unreadable", f"{path} is an image; expected the folder of a clip's images, {path.parent}, or a video"
        )
    if numbers and numbers[0] < 0:
        raise SampleError(
            "frames-missing",
            f"frames {numbers[0]}..{numbers[-1]} of {path} are asked for; positions in a video start at 0",
        )


def _entries(folder: Path) -> tuple[list[str], Counter[str]]:
    """Return the names of the images in a folder, and how many of each other kind lie there."""
    images: list[str] = []
    others: Counter[str] = Counter()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a name, not a path
                if entry.name.startswith("."):
                    continue
                if suffix not in IMAGE_SUFFIXES:
                    others[suffix if _is_file(entry) else f"folder {entry.name}"] += 1
                elif _is_file(entry):
                    images.append(entry.name)
                else:
                    others[f"{entry.name} (no file)"] += 1
    except OSError as err:
        raise SampleError(
            "clip-not-found", f"{folder} cannot be listed ({err.strerror}); expected a folder of images"
        ) from err
    return images, others


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, or to where nobody may look
        return False


def _numbered(folder: Path, images: Iterable[str]) -> dict[int, str]:
    """Return the name of each frame's file by its number, ascending."""
    names: dict[int, str] = {}
    for name in sorted(images):
        number = _number(folder, name)
        if number in names:
            raise SampleError(
                "frames-ambiguous",
                f"{folder} holds {names[number]} and {name}, both frame {number}; expected one image a number: "
                "move the other away",
            )
        names[number] = name
    return dict(sorted(names.items()))


def _number(folder: Path, name: str) -> int:
    digits = _LAST_NUMBER.search(os.path.splitext(name)[0])  # noqa: PTH122
    if digits is None:
        raise SampleError(
            "frame-unnumbered",
            f"{folder} holds {name}, an image without a number in its name; expected frame numbers as in img12.jpg: "
            "rename it or move it away",
        )
    return int(digits[1])


def _runs(numbers: Iterable[int]) -> Iterator[range]:
    """Yield what ascending numbers have in a row; a run has one difference to its index."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        first, *_, last = [number for _, number in run] * 2
        yield range(first, last + 1)


def _between(there: Iterable[int], numbers: range) -> Iterator[range]:
    """Yield the runs of a range that are not there; never walked through, for a table may ask for any number."""
    wanted = numbers.start
    for run in _runs(there):
        if run.start > wanted:
            yield range(wanted, run.start)
        wanted = run.stop
    if wanted < numbers.stop:
        yield range(wanted, numbers.stop)


def _written(runs: Iterable[range]) -> str:
    """Write runs as ``3, 7..9``."""
    first, more = [*islice(runs := iter(runs), _SPANS_SHOWN)], next(runs, None)
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in first]
    return ", ".join([*shown, "…"] if more else shown) or "no image"


def _beside(others: Counter[str]) -> str:
    """Write what else lies in a folder, so that no message denies it."""
    shown = [f"{count} {kind or 'without a suffix'}" for kind, count in others.most_common(_OTHERS_SHOWN)]
    if not shown:
        return ""
    return f"; beside the images lie {', '.join(shown)}: read are {', '.join(sorted(IMAGE_SUFFIXES))}"


def _why_no_file(path: Path) -> str:
    try:
        path.stat()
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as err:
        return f"cannot be opened ({err})"
    return "is no regular file, but a pipe or a device"
