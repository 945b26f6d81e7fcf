"""The place of a cache: one build at a time writes there, and no stranger's file is replaced."""

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import h5py

from mer_di.cache import FORMAT
from mer_di.errors import CacheError, MerDiError
from mer_di.files import require_folder
from mer_di.lock import held

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_OF_CACHES = (FORMAT.encode(), b"annotation_sha256", b"emotion_written")


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold a lock that the operating system releases even when the process is killed.

    Raises
    ------
    CacheError
        If another build holds it.
    InputError
        If there is no such folder, or nothing can be written into it.
    """
    require_folder(path.parent)
    busy = CacheError(f"another build is writing {path}; wait for it, or choose another --out")
    with held(path.with_name(f".{path.name}.lock"), busy):
        yield


@contextlib.contextmanager
def in_words(path: Path, kept: Path) -> Iterator[None]:
    """Say what the machine refuses - room, rights, open files, memory - and that finished samples are kept.

    Raises
    ------
    CacheError
    """
    try:
        yield
    except (MerDiError, BrokenPipeError):  # those that nobody listens to are not the disk's
        raise
    except (OSError, MemoryError) as error:
        what = "out of memory" if isinstance(error, MemoryError) else _in_words(error)
        finished = os.path.isfile(kept)  # noqa: PTH113 - Path.is_file fails where a name is too long
        rest = f"Finished samples are kept in {kept}: mend it and resume by" if finished else "Mend it and try again by"
        raise CacheError(f"the build of {path} stopped: {what}. {rest} the same command") from error


def require_regular(path: Path) -> None:
    """Make sure that what stands under a name is a file.

    Raises
    ------
    CacheError
    """
    if os.path.lexists(path) and not path.is_file():  # a link that leads to itself does not exist
        raise CacheError(f"{path} is no regular file, and not touched; choose another --out, or move it away")


def require_free(path: Path) -> None:
    """Make sure that nothing stands under a name, or nothing is in it.

    Raises
    ------
    CacheError
    """
    require_regular(path)
    if path.exists() and not _is_empty(path):
        raise CacheError(f"{path} exists, and is not touched; choose another --out, or move it away")


def require_replaceable(path: Path) -> None:
    """Make sure that what stands under a cache's name is a cache, or what is left of one.

    Raises
    ------
    CacheError
        If it is something else, which a build must not replace.
    """
    require_regular(path)
    if path.exists() and not (_is_empty(path) or _is_cache(path)):
        raise CacheError(f"{path} is no cache, and not touched; choose another --out, or move it away")


def left_by_older_versions(path: Path) -> list[str]:
    """Say what an interrupted build of a version that kept its samples in a folder has left beside a cache."""
    parts = path.with_name(f"{path.name}.parts")
    if not parts.is_dir():
        return []
    return [f"{parts} is left from an interrupted build of an older mer_di; nothing reads it any more: delete it"]


def _is_empty(path: Path) -> bool:
    return path.stat().st_size == 0


def _is_cache(path: Path) -> bool:
    """Whether this is a cache, or a damaged HDF5 file in which names still stand that caches alone have."""
    with path.open("rb") as file:
        if file.read(len(HDF5_SIGNATURE)) != HDF5_SIGNATURE:
            return False
        try:
            with h5py.File(path, "r", locking=False) as found:
                return bool(found.attrs.get("format") == FORMAT)
        except (KeyError, OSError, RuntimeError, SystemError, TypeError, ValueError):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return any(content.find(name) >= 0 for name in _OF_CACHES)


def _in_words(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"
