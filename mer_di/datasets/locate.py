"""Where a database and its table lie, and what to tell a user who has not got it."""

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import indent

from mer_di.datasets.sheets import OTHER_SUFFIXES, SUFFIXES, readable
from mer_di.datasets.spec import Spec
from mer_di.errors import DatasetNotFoundError

DATA_VARIABLE = "MER_DI_DATA"
# What viewers, archivers and file systems leave behind; macOS archives also hold a hidden "._x" for each x.
_LITTER = ("thumbs.db", "desktop.ini", "__macosx", "lost+found", "$recycle.bin", "system volume information")
_TABLES = (*SUFFIXES, *OTHER_SUFFIXES, ".fods", ".numbers", ".txt", ".tab")
_MANIFEST = (
    "--dataset manifest, with a table of your own that has the columns subject, clip, path, onset, apex, offset, "
    "emotion ('mer-di datasets manifest' describes them)."
)
_COUNTED = 10_000  # files of a folder, for a message
_KINDS_SHOWN = 4
_SHOWN = 10  # files of a folder, in a message
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
    """Return the files that are named like a database's table: in root or one level below it, else above it.

    A folder that was unpacked twice, ``tables/tables``, counts as one level. Where none is of `SUFFIXES`, those of
    `OTHER_SUFFIXES` are returned, if they can be read.
    """
    if not root.is_dir():
        raise not_found(spec, f"{root} is not a folder; expected the database's, and a table with --table")
    inside = list(_below(root))
    inside += [folder for home in inside if home.name.casefold() == "annotation" for folder in subfolders(home)]
    found: list[Path] = []
    for suffixes in (SUFFIXES, readable()):
        found = found or [path for folder in (root, *inside) for path in _tables_in(spec, folder, suffixes)]
        for folder in root.parents[:_LEVELS_ABOVE]:
            found = found or _tables_in(spec, folder, suffixes)
    return found


def _below(root: Path) -> Iterator[Path]:
    for folder in subfolders(root):
        yield folder
        if (again := folder / folder.name).is_dir():
            yield again


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name, without hidden ones and what archivers leave behind."""
    return sorted(path for path in _entries(folder) if path.is_dir())


def files(folder: Path) -> list[Path]:
    """Return the files in a folder, sorted by name, without hidden ones and what viewers leave behind."""
    return sorted(path for path in _entries(folder) if path.is_file())


def sought(path: Path) -> str:
    """Say what was looked for and is not there, and what lies there under that name in other letters, or as a file.

    Examples
    --------
    >>> sought(Path("/no/such/S01/clip"))
    '/no/such/S01/clip'
    """
    found = path.parents[-1]
    for name in path.parts[1:]:
        try:
            alike = _by_spelling(found, found.stat().st_mtime_ns).get(name.casefold())
        except (OSError, ValueError):
            return str(path)
        if not alike:
            return str(path)
        found = min(alike, key=lambda entry: (entry.name != name, entry.name.casefold() != name.casefold()))
    return f"{path}, where {found} lies" if found != path else f"{path}, which is no clip of this frame tree"


@functools.lru_cache(maxsize=64)
def _by_spelling(folder: Path, _changed: int) -> Mapping[str, Sequence[Path]]:
    """Return the entries of a folder by name and stem in small letters; all clips that are lost look into the same."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        for name in {entry.name.casefold(), entry.stem.casefold()}:
            found.setdefault(name, []).append(entry)
    return found


def no_table(spec: Spec, root: Path, folders: Sequence[Path]) -> DatasetNotFoundError:
    """Compose the error of a database without a table: what was looked for, what lies there instead, the ways out.

    Parameters
    ----------
    spec : Spec
    root : pathlib.Path
    folders : sequence of pathlib.Path
        Where it was looked for.
    """
    kinds = ", ".join(readable())
    found = [path for folder in folders for path in files(folder)]
    found += [path for path in _files_below(root) if path.parent not in folders]
    tables = [path for path in found if path.suffix.casefold() in _TABLES or _is_named_so(spec, path)]
    tables.sort(key=lambda path: not _is_named_so(spec, path))
    also = " or a folder in it" if len(folders) > 1 else ""
    more = (
        ""
        if readable() != SUFFIXES
        else f"; with pip install 'mer_di[tables]', {', '.join(OTHER_SUFFIXES)} are read too"
    )
    ways = (
        f"If one of these is the table, name it with --table; what is none of {kinds} has to be saved as one "
        f"first{more}. For a table with other columns: {_MANIFEST}"
    )
    text = f"{root}{also} holds no annotation table named like {' or '.join(spec.tables)} ({kinds})"
    return not_found(spec, text, tables, ways)


def no_frames(spec: Spec, root: Path, found: str) -> DatasetNotFoundError:
    """Compose the error of a table without frames: what was looked for, and what lies there instead."""
    ways = (
        f"{_kinds_below(root)}An archive has to be unpacked first. Frames that lie elsewhere: --root names their "
        f"folder, --table the table. Frames or videos in any other layout: {_MANIFEST}"
    )
    return not_found(spec, found, [*subfolders(root), *files(root)], ways)


def _kinds_below(root: Path) -> str:
    """Say how many files of which kinds lie below a folder, each with an example; of a large one, of a part."""
    kinds: dict[str, list[Path]] = {}
    for path in _files_below(root):
        kinds.setdefault(path.suffix.casefold() or path.name, []).append(path)
    common = sorted(kinds.items(), key=lambda kind: -len(kind[1]))[:_KINDS_SHOWN]
    told = "; ".join(f"{len(paths)} {suffix}, such as {paths[0]}" for suffix, paths in common)
    return f"Files below: {told}. " if told else ""


def _files_below(root: Path) -> Iterator[Path]:
    """Yield the files below a folder; of a large one, of a part."""
    left = _COUNTED
    for place, folders, names in os.walk(root):
        folders.sort()
        seen = [name for name in sorted(names) if not name.startswith(".") and name.casefold() not in _LITTER]
        yield from (Path(place) / name for name in seen)
        left -= len(seen)
        if left < 0:
            break


def not_found(spec: Spec, found: str, instead: Sequence[Path] = (), ways: str = "") -> DatasetNotFoundError:
    """Compose the error that says what is missing, where to ask for it, where to put it, how to do without.

    Parameters
    ----------
    spec : Spec
    found : str
        What was found missing, and where.
    instead : sequence of pathlib.Path
        What lies there instead.
    ways : str
        What can be done with that.
    """
    lines = [f"{spec.name}: {found}."]
    if instead:
        lines += ["There are:", *(f"    {path}" for path in instead[:_SHOWN])]
        if len(instead) > _SHOWN:
            lines.append(f"    and {len(instead) - _SHOWN} more")
        lines.append(ways)
    if spec.request_url:
        lines.append(f"{spec.title} is given out by its owners on request: {spec.request_url}")
    lines += [
        "Expected:",
        indent(spec.layout, "    "),
        f"Put it into ${DATA_VARIABLE}/{spec.name}, or name it with --root.",
        "To try without any data: --dataset synthetic",
    ]
    return DatasetNotFoundError("\n".join(lines))


def _tables_in(spec: Spec, folder: Path, suffixes: Sequence[str]) -> list[Path]:
    return [path for path in files(folder) if path.suffix.casefold() in suffixes and _is_named_so(spec, path)]


def _is_named_so(spec: Spec, path: Path) -> bool:
    return any(fnmatchcase(path.stem.casefold(), pattern.casefold()) for pattern in spec.tables)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DatasetNotFoundError(f"the folder {folder} cannot be listed: {error.strerror}") from error
    return (path for path in entries if not path.name.startswith(".") and path.name.casefold() not in _LITTER)
