"""Bytes overwritten, and the only errors that may come of it."""

import atexit
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

from mer_di.errors import MerDiError

DAMAGE = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8)


@contextlib.contextmanager
def own_words() -> Iterator[None]:
    """Let the library's own errors pass, and nothing else."""
    with contextlib.suppress(MerDiError):
        yield


def damage(path: Path, places: list[tuple[int, int]]) -> None:
    """Overwrite some bytes; places beyond the end count from the beginning again."""
    content = bytearray(path.read_bytes())
    for place, byte in places:
        content[place % len(content)] = byte
    path.write_bytes(content)


def folder_until_exit() -> Path:
    """Return a new folder that goes with the process."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)
