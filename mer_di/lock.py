"""One at a time: a lock that the operating system releases even when its holder is killed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from mer_di.errors import MerDiError


@contextlib.contextmanager
def held(path: Path, refusal: MerDiError) -> Iterator[None]:
    """Hold a lock; its file is there as long as it is held, and means nothing where a kill left it behind.

    Parameters
    ----------
    path : pathlib.Path
        The lock's file.
    refusal : MerDiError
        Raised where another process, or another thread, holds it.
    """
    lock = FileLock(path, timeout=0)
    try:
        try:
            lock.acquire()
        except Timeout as error:
            raise refusal from error
        yield
    finally:
        if lock.is_locked:
            path.unlink(missing_ok=True)
            lock.release()
