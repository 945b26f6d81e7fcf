"""A cache is opened for reading when it is one, and complete."""

import contextlib
import functools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from mer_di.cache.format import (
    APEX_CONFIDENCE,
    DATASET_OF,
    DI_STREAMS,
    FLOW_STREAMS,
    KEY_FRAMES,
    PHASES,
    flow_in,
    jitter_in,
    spots_in,
)
from mer_di.cache.images import Images, damage_in_words
from mer_di.cache.structure import attributes_of, foreignness, unwritten
from mer_di.cache.table import is_as_written
from mer_di.errors import CacheError, InputError
from mer_di.origin import SYNTHETIC
from mer_di.recipe import Recipe
from mer_di.streams import Stream
from mer_di.weighing import half_weights


class Cache:
    """A cache opened for reading; a context manager.

    Attributes
    ----------
    path : pathlib.Path
    file : h5py.File
        The open file, for anything that is not offered here.
    classes : list of str
        Emotions in label order.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file
        self._attributes: dict[str, Any] = {
            k: v for k, v in attributes_of(file).items() if isinstance(v, str | int | float)
        }
        self.classes = [str(name) for name in file["samples"].attrs["classes"]]

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
        """Texts and numbers that are attributes of the root, as plain Python values."""
        return dict(self._attributes)

    @property
    def dataset(self) -> str:
        """What the database is called beside others: a manifest by its cache's file, a drawn one ``synthetic-samm``."""
        name = str(self._attributes.get("dataset", "manifest"))
        if name == "manifest":
            return self.path.stem
        drawn = self._attributes.get("annotation_version") == SYNTHETIC
        return f"{SYNTHETIC}-{name}" if drawn and name != SYNTHETIC else name

    @property
    def recipe(self) -> Recipe:
        """The recipe of every pixel in the cache.

        Raises
        ------
        CacheError
            If it has parameters that this version does not know.
        """
        return Recipe.from_text(self._attributes["recipe"])

    @property
    def table_is_as_written(self) -> bool | None:
        """Whether all that no digest of a row covers is what was written; None of an older cache, which does not know.

        Raises
        ------
        CacheError
            If it cannot be read.
        """
        with damage_in_words(self.path):
            return is_as_written(self.file)

    def column(self, name: str) -> NDArray[Any]:
        """Return one column of ``/samples``, shape (N,); text as str.

        Raises
        ------
        CacheError
            If the cache has no such column, or it is damaged.
        """
        with damage_in_words(self.path):
            table = self.file["samples"]
            data = table.get(name)
            if isinstance(data, h5py.Dataset) and data.shape[:1] == (len(self),):
                return _values(data)
            there = ", ".join(sorted(table))
        raise CacheError(f"{self.path} has no column {name!r}; it has {there}")

    def images(self, stream: str) -> Images:
        """Return the images of one stream, (N, S, S, 3) float32, read from disk when indexed.

        Parameters
        ----------
        stream : {"onset", "offset", "full", "flow_onset", "flow_offset"}
            Raw sums, RGB; of flow u to the right and v down, in pixels of the image, and strain.

        Raises
        ------
        CacheError
            If there is no such stream, or it is flow and the cache was built without.
        """
        if stream in self.streams:
            return Images(self.file[DATASET_OF[stream]].id)
        if stream in FLOW_STREAMS:
            raise CacheError(f"{self.path} was built without optical flow; build it again with --flow to have it")
        raise CacheError(f"stream {stream!r} does not exist; expected one of {', '.join(self.streams)}")

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

    def half_weights(self, stream: str) -> NDArray[np.float64]:
        """Return Σ|α|/2 of the row of weights of each dynamic image of a stream, shape (N,).

        Parameters
        ----------
        stream : {"onset", "offset", "full"}

        Raises
        ------
        CacheError
            If there are no such weights for a sample: the cache is damaged.
        """
        return self._half_weights[:, DI_STREAMS.index(stream)]

    @functools.cached_property
    def _half_weights(self) -> NDArray[np.float64]:
        recipe, names = self.recipe, ("onset_length", "offset_length", "fps")
        clips = [tuple(clip) for clip in zip(*(self.column(name).tolist() for name in names), strict=True)]
        with self._weighing():
            of_clip = {clip: half_weights(recipe, dict(zip(names, clip, strict=True))) for clip in set(clips)}
        return np.array([of_clip[clip] for clip in clips], np.float64).reshape(-1, len(DI_STREAMS))

    @property
    def jitter(self) -> int:
        """Neighbouring apexes K at which the images of both phases are held as well; 0 for none."""
        return jitter_in(self._attributes["recipe"])

    def neighbour_images(self, phase: str) -> Images:
        """Return the raw sums of a phase at neighbouring apexes, (N, K, S, S, 3) float32, RGB, read when indexed.

        The apexes are in the column ``jitter_apex``, (N, K), in the database's numbering.

        Parameters
        ----------
        phase : {"onset", "offset"}

        Raises
        ------
        CacheError
            If there is no such phase, or the cache was built without neighbouring apexes.
        """
        if phase not in PHASES:
            raise CacheError(f"{phase!r} is no phase that has neighbours; expected one of {', '.join(PHASES)}")
        if not self.jitter:
            raise CacheError(
                f"{self.path} was built without neighbouring apexes; build it again with --apex-jitter K to have them"
            )
        return Images(self.file[f"jitter/{phase}"].id)

    def neighbour_half_weights(self, phase: str) -> NDArray[np.float64]:
        """Return Σ|α|/2 of the rows of `neighbour_images`, shape (N, K).

        Parameters
        ----------
        phase : {"onset", "offset"}

        Raises
        ------
        CacheError
            As `neighbour_images`, or if an apex is none of its clip: the cache is damaged.
        """
        self.neighbour_images(phase)
        recipe, row = self.recipe, DI_STREAMS.index(phase)
        positions = self.column("jitter_apex") - self.column("onset")[:, np.newaxis]
        samples = list(self.rows("samples"))
        with self._weighing():
            return np.array(
                [
                    [half_weights(recipe, sample, apex=int(apex))[row] for apex in of_sample]
                    for sample, of_sample in zip(samples, positions, strict=True)
                ]
            )

    @contextlib.contextmanager
    def _weighing(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise CacheError(f"{self.path} has a sample that its recipe cannot weigh: {error}") from error

    @property
    def has_flow(self) -> bool:
        """Whether the cache holds the optical flow of both phases."""
        return flow_in(self._attributes["recipe"])

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream that the cache holds; see `images`."""
        return DI_STREAMS + (FLOW_STREAMS if self.has_flow else ())

    @property
    def apex_sources(self) -> dict[str, int]:
        """How many apexes are the table's (``table``), a ``midpoint`` or ``spotted``."""
        return dict(sorted(Counter(self.column("apex_source").tolist()).items()))

    @property
    def has_confidences(self) -> bool:
        """Whether the cache has a column that says how sure its apexes are."""
        return spots_in(self._attributes["recipe"])

    @property
    def apex_confidences(self) -> NDArray[np.float64]:
        """How sure spotted apexes are, 0..1, ascending; see `mer_di.imaging.spotting.Spotted`. Empty where none is."""
        if not self.has_confidences:
            return np.empty(0)
        confidences = self.column(APEX_CONFIDENCE)
        return np.sort(confidences[~np.isnan(confidences)])

    @property
    def has_frames(self) -> bool:
        """Whether the cache holds key frames; they are faces, and may have been left out."""
        return "frames" in self.file

    def key_frames(self, name: str) -> Images:
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
            raise CacheError(f"{self.path} was built without key frames; build it again to have them")
        return Images(self.file[f"frames/{name}"].id)

    @property
    def dropped(self) -> dict[str, str]:
        """Sample id to reason, for every sample that is not in the cache."""
        return {row["sample_id"]: row["reason"] for row in self.rows("dropped")}

    @property
    def corrections(self) -> list[dict[str, str]]:
        """The applied corrections, a text for each of `mer_di.cache.CORRECTION_COLUMNS`."""
        return list(self.rows("corrections")) if "corrections" in self.file else []

    def rows(self, group: str) -> Iterator[dict[str, Any]]:
        """Iterate over a table of one-dimensional columns (``samples``, ``dropped``, ``corrections``).

        Raises
        ------
        CacheError
            If a column is damaged.
        """
        first = {"samples": "sample_id", "dropped": "sample_id", "corrections": "set_name"}[group]
        with damage_in_words(self.path):
            table = self.file[group]
            length = table[first].shape  # others may have added something beside
            columns = {
                name: _values(data)
                for name, data in table.items()
                if isinstance(data, h5py.Dataset) and data.shape == length
            }
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def open_cache(path: str | os.PathLike[str]) -> Cache:
    """Open a cache for reading.

    Its structure is compared with the format: every name, type and shape; no image is read.

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
        If the file is missing, no HDF5 file, truncated, not a mer_di cache, of a newer format, damaged, unfinished, or
        if it leads to data that it does not hold itself.
    """
    where = Path(path)
    if not where.is_file():
        raise CacheError(f"{where} is not a file; build a cache with: mer-di build --dataset NAME --out {where}")
    with damage_in_words(where):
        file = h5py.File(where, "r")
        with _closed_on_failure(file):
            problem = foreignness(file)
            if problem:
                raise CacheError(f"{where} {problem}")
            missing = unwritten(file)
            if missing:
                raise CacheError(f"{where} is unfinished: {missing} of its rows were never written; build it again")
            return Cache(where, file)


@contextlib.contextmanager
def _closed_on_failure(file: h5py.File) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        stack.callback(file.close)
        yield
        stack.pop_all()


def _values(column: h5py.Dataset) -> NDArray[Any]:
    if h5py.check_string_dtype(column.dtype):
        return np.array(column.asstr()[:], dtype=object)
    values: NDArray[Any] = column[:]
    return values
