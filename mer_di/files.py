"""Files: names that every file system takes; and what is written, which is there whole or not at all.

Everything that this library writes goes through here: nothing that exists is touched before its successor is complete.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from mer_di.errors import InputError

_LONGEST_NAME = 100
_ASIDE = ".aside"
_UNFINISHED, _LOCK = ".unfinished", ".unfinished.lock"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_KINDS = {stat.S_IFDIR: "folder", stat.S_IFBLK: "block device", stat.S_IFSOCK: "socket"}


def file_names(names: Iterable[str], suffix: str = ".json") -> dict[str, str]:
    """Return a file name for each name: the name itself where every file system takes it.

    Other characters are percent-encoded. A digest is added where the name would be too long, or would differ from
    another one in upper and lower case alone.

    Parameters
    ----------
    names : iterable of str
        Of all folds of a run, or of all samples; unique.
    suffix : str
        With its dot.

    Returns
    -------
    dict of str to str
        Name to file name, unique on every file system.

    Examples
    --------
    >>> file_names(["sub01", "a/b"])
    {'sub01': 'sub01.json', 'a/b': 'a%2Fb.json'}
    """
    quoted = {name: quote(name, safe="") for name in names}
    alike = Counter(text.casefold() for text in quoted.values())
    plain = {name for name, text in quoted.items() if alike[text.casefold()] == 1 and 0 < len(text) <= _LONGEST_NAME}
    return {
        name: (text if name in plain else f"{text[:_LONGEST_NAME]}-{_digest(name)}") + suffix
        for name, text in quoted.items()
    }


def destination(out: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()) -> Path:
    """Return where a file will be written, before the work: or say why it cannot be.

    Parameters
    ----------
    out : path-like
        As somebody named it.
    inputs : iterable of path-like
        Files that the work reads.

    Returns
    -------
    pathlib.Path
        The file itself, where ``out`` is a link to it. A pipe or a character device, such as ``/dev/stdout``, as it was
        named: nothing stands there that could be replaced, it is written into.

    Raises
    ------
    InputError
        If ``out`` is one of the inputs under whatever name, a cache, a folder, a block device, a socket or a link that
        leads nowhere but to itself, if there is no such folder, or if it must not be written.
    """
    named = Path(out)
    kind = stat.S_IFMT(named.stat().st_mode) if named.exists() else None
    if kind in _KINDS:
        raise InputError(f"{named} is a {_KINDS[kind]}, and not touched; name a file")
    if kind not in (None, stat.S_IFREG):
        return named
    path = Path(os.path.realpath(named))
    if path.is_symlink():
        raise InputError(f"{named} is a link that leads to itself, and not touched; name a file")
    require_folder(path.parent)
    if kind:
        _require_replaceable(named, inputs)
    return path


def write_bytes(out: str | os.PathLike[str], content: bytes) -> None:
    """Write a file aside and rename it into place; `destination` says where.

    A file that is replaced hands on its permissions.

    Raises
    ------
    InputError
        See `destination`.
    OSError
        If the disk is full or fails; a former file is untouched.
    """
    path = destination(out)
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as opened:
                opened.write(content)
            return
        aside = path.with_name(f".{uuid.uuid4().hex}{_ASIDE}")
        try:
            aside.write_bytes(content)
            if path.exists():
                shutil.copymode(path, aside)
            put_in_place(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        error.filename = str(out)
        raise


def write_text(out: str | os.PathLike[str], text: str) -> None:
    """Write a text as UTF-8, in the same way; a part of a file name that is no text is escaped."""
    write_bytes(out, text.encode("utf-8", "backslashreplace"))


def remove_asides(folder: Path) -> None:
    """Delete what killed commands were writing aside, in a folder that nobody else writes."""
    for path in folder.glob(f".*{_ASIDE}"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a place beside a file: what is written there takes the file's name at the end, and is gone if that fails."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.unlink(missing_ok=True)  # what a kill left
    try:
        yield aside
        put_in_place(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def put_in_place(aside: Path, path: Path) -> None:
    """Bring a finished file to the disk and give it its name; neither step is lost when the power fails.

    Raises
    ------
    OSError
        If the disk fails; a former file is untouched.
    """
    sync(aside)
    aside.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sync(path: Path) -> None:
    """Wait until the disk has what was written to a file."""
    with path.open("r+b") as written:
        os.fsync(written.fileno())


@contextlib.contextmanager
def whole_folder(out: str | os.PathLike[str]) -> Iterator[Path]:
    """Fill a folder that does not exist yet, or is empty: what is in it appears when the block ends without an error.

    Until then it lies in a folder ``.unfinished`` within; what a killed command has left there, the next one removes.

    Parameters
    ----------
    out : path-like
        Where it is a link, the folder that it leads to. An empty folder stays the one that it is: a mount point, or
        somebody else's.

    Yields
    ------
    pathlib.Path
        The folder to fill.

    Raises
    ------
    InputError
        If there is something, nothing can be written there, or another command is filling it.
    OSError
        If the disk is full or fails; nothing is left behind.
    """
    folder = Path(os.path.realpath(out))
    aside = folder / _UNFINISHED
    found = folder.is_dir()
    if os.path.lexists(folder) and not (found and {each.name for each in folder.iterdir()} <= {aside.name, _LOCK}):
        raise InputError(f"{out} exists and is not an empty folder; choose another, or delete it")
    require_folder(folder if found else folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(aside, ignore_errors=True)
            try:
                aside.mkdir()
                yield aside
                for entry in sorted(aside.iterdir(), key=Path.is_file):  # tables last: nothing looks whole without them
                    entry.rename(folder / entry.name)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
                (folder / _LOCK).unlink(missing_ok=True)
    except Timeout as error:
        raise InputError(f"another command is writing {out}; wait for it, or choose another folder") from error
    except OSError as error:
        if error.filename is None or folder in Path(error.filename).parents:
            error.filename = str(out)
        raise
    finally:
        if not found:
            with contextlib.suppress(OSError):  # it is full, as it should be
                folder.rmdir()


def require_folder(folder: Path) -> None:
    """Make sure that something can be written into a folder.

    Raises
    ------
    InputError
    """
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"the folder {folder} {problem}; make it, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} cannot be written into; choose another")


def _require_replaceable(path: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    if any(Path(each).exists() and path.samefile(each) for each in inputs):
        raise InputError(f"{path} is a file that is read for this, and not replaced; name another")
    if not os.access(path, os.W_OK):
        raise InputError(f"{path} is read-only, and not replaced; name another")
    with path.open("rb") as file:
        if file.read(len(_HDF5)) == _HDF5:
            raise InputError(f"{path} is a cache or another HDF5 file, and not replaced; name another")


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
