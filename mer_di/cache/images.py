"""Images of a cache, read when indexed, and words for bytes that make no sense."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from mer_di.errors import CacheError


@contextlib.contextmanager
def damage_in_words(path: str | Path) -> Iterator[None]:
    """Say in words what HDF5 and h5py, and they alone, raise of bytes that make no sense: almost anything."""
    try:
        yield
    except CacheError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise CacheError(f"{path} is no readable HDF5 file, truncated or damaged ({said}); build it again") from error


class Images(h5py.Dataset):  # type: ignore[misc]  # h5py has no types
    """Images of a cache, read from disk when indexed.

    Raises
    ------
    CacheError
        When indexed, if the file is truncated or damaged there.
    """

    def __getitem__(self, args: Any, new_dtype: Any = None) -> Any:  # noqa: ANN401 - as h5py
        with damage_in_words(self.file.filename):
            return super().__getitem__(args, new_dtype)
