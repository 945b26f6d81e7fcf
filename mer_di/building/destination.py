"""The place of a cache: one build at a time writes there, and no stranger's file is replaced."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from mer_di.errors import CacheError
from mer_di.lock import held

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)
_HDF5 = b"\x89HDF\r\n\x1a\n"


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold a lock that the operating system releases even when the process is killed.

    Raises
    ------
    CacheError
        If another build holds it, or there is no such folder.
    """
    if not path.parent.is_dir():
        raise CacheError(f"the folder {path.parent} does not exist; make it, or choose another --out")
    busy = CacheError(f"another build is writing {path}; wait for it, or choose another --out")
    with held(path.with_name(f".{path.name}.lock"), busy):
        yield


@contextlib.contextmanager
def disk_errors(path: Path, kept: Path) -> Iterator[None]:
    """Say in words what a disk refuses, and that finished samples are kept.

    Raises
    ------
    CacheError
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise CacheError(
            f"cannot write beside {path}: {error.strerror}. "
            + (f"Finished samples are kept in {kept}; mend it" if kept.exists() else "Mend it")
            + " and run the same command again to resume."
        ) from error


def require_replaceable(path: Path) -> None:
    """Make sure that what stands under a cache's name is a cache, or what is left of one.

    Raises
    ------
    CacheError
        If it is something else, which a build must not replace.
    """
    if not path.exists():
        return
    if not path.is_file():
        raise CacheError(f"{path} is no regular file, and not touched; choose another --out")
    with path.open("rb") as file:
        start = file.read(len(_HDF5))
    if start and start != _HDF5:
        raise CacheError(f"{path} is no cache, and not touched; choose another --out, or move it away")
