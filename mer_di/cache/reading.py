"""A cache is opened for reading when it is one, and complete."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from mer_di.cache.format import DI_STREAMS, FORMAT, FORMAT_VERSION, KEY_FRAMES
from mer_di.errors import CacheError
from mer_di.recipe import Recipe


class Cache:
    """A cache opened for reading; a context manager.

    Attributes
    ----------
    path : pathlib.Path
    file : h5py.File
        The open file, for anything that is not offered here.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.file["samples/sample_id"])

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def attributes(self) -> dict[str, Any]:
        """Root attributes as plain Python values."""
        return {key: value.item() if isinstance(value, np.generic) else value for key, value in self.file.attrs.items()}

    @property
    def recipe(self) -> Recipe:
        """The recipe of every pixel in the cache."""
        return Recipe.from_text(self.file.attrs["recipe"])

    @property
    def classes(self) -> list[str]:
        """Emotions in label order."""
        return [str(name) for name in self.file["samples"].attrs["classes"]]

    def column(self, name: str) -> NDArray[Any]:
        """Return one column of ``/samples``, shape (N,); text as str.

        Raises
        ------
        CacheError
            If the cache has no such column.
        """
        if name not in self.file["samples"]:
            raise CacheError(f"{self.path} has no column {name!r}; it has {', '.join(sorted(self.file['samples']))}")
        return _column(self.file["samples"][name])

    def images(self, stream: str) -> h5py.Dataset:
        """Return the raw sums of one stream, (N, S, S, 3) float32, RGB, read from disk when indexed.

        Parameters
        ----------
        stream : {"onset", "offset", "full"}

        Raises
        ------
        CacheError
            If there is no such stream.
        """
        if stream not in DI_STREAMS:
            raise CacheError(f"stream {stream!r} does not exist; expected one of {', '.join(DI_STREAMS)}")
        return self.file[f"di/{stream}"]

    def lengths(self, stream: str) -> NDArray[np.int64]:
        """Return how many frames each dynamic image of a stream was pooled from, shape (N,).

        Parameters
        ----------
        stream : {"onset", "offset", "full"}
        """
        onset, offset = self.column("onset_length"), self.column("offset_length")
        shared = self.recipe.apex_in == "both"
        found: NDArray[np.int64] = {"onset": onset, "offset": offset, "full": onset + offset - shared}[stream]
        return found

    @property
    def has_frames(self) -> bool:
        """Whether the cache holds key frames; they are faces, and may have been left out."""
        return "frames" in self.file

    def key_frames(self, name: str) -> h5py.Dataset:
        """Return the aligned key frames, (N, S, S, 3) uint8, RGB.

        Parameters
        ----------
        name : {"onset", "apex", "offset"}

        Raises
        ------
        CacheError
            If there is no such key frame, or the cache was built without them.
        """
        if name not in KEY_FRAMES:
            raise CacheError(f"key frame {name!r} does not exist; expected one of {', '.join(KEY_FRAMES)}")
        if not self.has_frames:
            raise CacheError(f"{self.path} was built without key frames")
        return self.file[f"frames/{name}"]

    @property
    def dropped(self) -> dict[str, str]:
        """Sample id to reason, for every sample that is not in the cache."""
        group = self.file["dropped"]
        return dict(zip(_column(group["sample_id"]), _column(group["reason"]), strict=True))

    def rows(self, group: str) -> Iterator[dict[str, Any]]:
        """Iterate over a table of one-dimensional columns (``samples``, ``dropped``, ``corrections``)."""
        columns = {name: _column(data) for name, data in self.file[group].items() if data.ndim == 1}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def open_cache(path: str | os.PathLike[str]) -> Cache:
    """Open a cache for reading.

    Parameters
    ----------
    path : path-like
        A file that ``mer-di build`` wrote.

    Returns
    -------
    Cache
        Use it in a ``with`` statement, or close it.

    Raises
    ------
    CacheError
        If the file is missing, no HDF5 file, truncated, not a mer_di cache, of a newer format, unfinished, or if it
        leads to data that it does not hold itself.
    """
    cache = open_unfinished(path)
    missing = _unwritten(cache.file)
    if missing:
        cache.close()
        raise CacheError(f"{cache.path} is unfinished: {missing} of its rows were never written; build it again")
    return cache


def open_unfinished(path: str | os.PathLike[str]) -> Cache:
    """Open a cache of which rows may not be written yet; see `open_cache`."""
    where = Path(path)
    if not where.is_file():
        raise CacheError(f"{where} is not a file; build a cache with: mer-di build --dataset NAME --out {where}")
    try:
        file = h5py.File(where, "r")
    except OSError as error:
        raise CacheError(f"{where} is no readable HDF5 file, or it is truncated ({error}); build it again") from error
    problem = _foreign(file)
    if problem:
        file.close()
        raise CacheError(f"{where} {problem}")
    return Cache(where, file)


def _foreign(file: h5py.File) -> str | None:
    if file.attrs.get("format") != FORMAT:
        return "is an HDF5 file but no mer_di cache: its attribute 'format' is not 'mer_di'"
    version = int(file.attrs.get("format_version", 0))
    if version > FORMAT_VERSION:
        return f"has cache format {version}; this mer_di reads up to {FORMAT_VERSION}. Upgrade mer_di to read it"
    wanted = ("samples/sample_id", *(f"di/{name}" for name in DI_STREAMS), "dropped/sample_id", "dropped/reason")
    missing = [name for name in wanted if name not in file]
    if missing or "recipe" not in file.attrs:
        return f"is damaged: {', '.join(missing) or 'its recipe'} is missing; build it again"
    elsewhere = _stored_elsewhere(file)
    if elsewhere:
        return f"does not hold {', '.join(elsewhere)} itself but leads to other data; mer-di build writes no such file"
    return None


def _unwritten(file: h5py.File) -> int:
    """Count the rows without a digest; older caches have none of them, and were never seen before they were whole."""
    digests = file["samples"].get("row_digest")
    return 0 if digests is None else int(np.sum(digests[:] == b""))


def _stored_elsewhere(file: h5py.File) -> list[str]:
    """Name what is a link, or a dataset whose values lie in another file or dataset."""
    found = []

    def look(name: str, link: object) -> None:
        data = file[name] if isinstance(link, h5py.HardLink) else None
        if data is None or (isinstance(data, h5py.Dataset) and (data.is_virtual or data.external)):
            found.append(name)

    file.visititems_links(look)
    return found


def _column(data: h5py.Dataset) -> NDArray[Any]:
    if h5py.check_string_dtype(data.dtype):
        return np.array(data.asstr()[:], dtype=object)
    values: NDArray[Any] = data[:]
    return values
