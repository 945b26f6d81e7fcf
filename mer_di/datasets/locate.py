"""Where a database and its table lie, and what to tell a user who has not got it."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import indent

from mer_di.datasets.spec import Spec
from mer_di.datasets.table import SUFFIXES
from mer_di.errors import DatasetNotFoundError

DATA_VARIABLE = "MER_DI_DATA"
# What viewers, archivers and file systems leave behind; macOS archives also hold a hidden "._x" for each x.
_LITTER = ("thumbs.db", "desktop.ini", "__macosx", "lost+found", "$recycle.bin", "system volume information")
_LEVELS_ABOVE = 2  # a user may name the inner folder of Cropped/Cropped


def find_root(spec: Spec, root: str | os.PathLike[str] | None) -> Path:
    """Return where a database lies.

    Parameters
    ----------
    spec : Spec
    root : path-like or None
        The caller's word; without it ``$MER_DI_DATA/<name>``.

    Returns
    -------
    pathlib.Path
        Absolute, and there.

    Raises
    ------
    DatasetNotFoundError
        If it is not there; the message says how to get it and where to put it.
    """
    if root is not None:
        place, origin = Path(root), "named as its root"
    elif data := os.environ.get(DATA_VARIABLE):
        place, origin = Path(data) / spec.name, f"looked for because ${DATA_VARIABLE} is {data}"
    else:
        raise not_found(spec, f"no root was named and ${DATA_VARIABLE} is not set")
    place = place.expanduser().absolute()
    if not place.exists():
        raise not_found(spec, f"{place} does not exist ({origin})")
    return place


def find_tables(spec: Spec, root: Path) -> list[Path]:
    """Return the files that are named like a database's table: in root or one level below it, else above it."""
    if not root.is_dir():
        raise not_found(spec, f"{root} is not a folder")
    below = [path for folder in (root, *subfolders(root)) for path in _tables_in(spec, folder)]
    for folder in root.parents[:_LEVELS_ABOVE]:
        below = below or _tables_in(spec, folder)
    return below


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name, without hidden ones and what archivers leave behind."""
    return sorted(path for path in _entries(folder) if path.is_dir())


def files(folder: Path) -> list[Path]:
    """Return the files in a folder, sorted by name, without hidden ones and what viewers leave behind."""
    return sorted(path for path in _entries(folder) if path.is_file())


def not_found(spec: Spec, found: str) -> DatasetNotFoundError:
    """Compose the error that says what is missing, where to ask for it, where to put it, how to do without.

    Parameters
    ----------
    spec : Spec
    found : str
        What was found instead, and where.
    """
    lines = [f"{spec.name}: {found}."]
    if spec.request_url:
        lines.append(f"{spec.title} is given out by its owners on request: {spec.request_url}")
    lines += [
        "Expected:",
        indent(spec.layout, "    "),
        f"Put it into ${DATA_VARIABLE}/{spec.name}, or name it with --root.",
        "To try without any data: --dataset synthetic",
    ]
    return DatasetNotFoundError("\n".join(lines))


def _tables_in(spec: Spec, folder: Path) -> list[Path]:
    patterns = [pattern.casefold() for pattern in spec.tables]
    return [
        path
        for path in files(folder)
        if path.suffix.casefold() in SUFFIXES
        and any(fnmatchcase(path.stem.casefold(), pattern) for pattern in patterns)
    ]


def _entries(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DatasetNotFoundError(f"the folder {folder} cannot be listed: {error.strerror}") from error
    return (path for path in entries if not path.name.startswith(".") and path.name.casefold() not in _LITTER)
