"""Cache format 1: an HDF5 file of phase-aware dynamic images that plain h5py, h5dump and MATLAB can read."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

import mer_di
from mer_di.errors import CacheError
from mer_di.recipe import Recipe

FORMAT = "mer_di"
FORMAT_VERSION = 1
DI_STREAMS = ("onset", "offset", "full")
KEY_FRAMES = ("onset", "apex", "offset")
TEXT_COLUMNS = ("sample_id", "subject", "clip", "emotion", "emotion_written", "action_units", "apex_source")
INT_COLUMNS = ("label", "onset", "apex", "offset", "onset_length", "offset_length", "frame_height", "frame_width")
CORRECTION_COLUMNS = ("set_name", "sample_id", "field", "was", "now", "why", "source")
CLIPS_A_SYNC = 8  # some 20 MB at 224 pixels
_TEXT = h5py.string_dtype("utf-8")


@dataclass(frozen=True, slots=True)
class CachedClip:
    """One kept sample as the cache stores it.

    Attributes
    ----------
    columns : mapping of str to str or int
        A value for each of `TEXT_COLUMNS` and `INT_COLUMNS` except ``label``, which follows from ``emotion``.
        Frame numbers are the database's own, inclusive; lengths are in frames.
    fps : float
        Frames per second, NaN where unknown.
    di : ndarray of float32, shape (3, S, S, 3)
        Raw sums in the order of `DI_STREAMS`, RGB.
    frames : ndarray of uint8, shape (3, S, S, 3)
        Aligned frames in the order of `KEY_FRAMES`, RGB.
    transform : ndarray of float64, shape (2, 3)
        Frame (x, y) to crop (x, y), 0-based pixel centres.
    """

    columns: Mapping[str, str | int]
    fps: float
    di: NDArray[np.float32]
    frames: NDArray[np.uint8]
    transform: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a cache says of its own origin.

    Attributes
    ----------
    dataset, annotation_sha256, annotation_version : str
        Registry name; digest of the table file's bytes; recognised version of the table.
    recipe : Recipe
    min_class_size : int
        Which classes were kept; it selects samples and changes no pixel, so it is no part of the recipe.
    corrections : sequence of mapping
        Applied corrections, a text for each of `CORRECTION_COLUMNS`.
    """

    dataset: str
    annotation_sha256: str
    annotation_version: str
    recipe: Recipe
    min_class_size: int = 1
    corrections: Sequence[Mapping[str, str]] = field(default_factory=tuple)


def write_cache(
    path: Path, provenance: Provenance, count: int, clips: Iterable[CachedClip], dropped: Mapping[str, str]
) -> None:
    """Write a complete cache aside and rename it into place.

    Parameters
    ----------
    path : pathlib.Path
        The cache; replaced if it exists.
    provenance : Provenance
    count : int
        How many clips there will be at most.
    clips : iterable of CachedClip
        Sorted by sample id; written one at a time as they come, so that one clip's images are in memory.
    dropped : mapping of str to str
        Sample id to reason; looked at after the last clip, which may still add to it.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; the former cache, if any, is untouched.
    """
    aside = path.with_name(f".{path.name}.tmp")
    corrections = [tuple(row[name] for name in CORRECTION_COLUMNS) for row in provenance.corrections]
    try:
        with h5py.File(aside, "w", libver=("v110", "v110")) as file:
            _write_provenance(file, provenance)
            _write_clips(file, count, _synced(clips, aside), provenance.recipe.size)
            _write_table(file, "dropped", ("sample_id", "reason"), sorted(dropped.items()))
            _write_table(file, "corrections", CORRECTION_COLUMNS, corrections)
        _sync(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _synced(clips: Iterable[CachedClip], path: Path) -> Iterator[CachedClip]:
    """Pass clips on, and bring what was written of them to the disk meanwhile, so that little is left for the end."""
    with ThreadPoolExecutor(1) as disk:
        syncs = []
        for index, clip in enumerate(clips):
            if index and index % CLIPS_A_SYNC == 0:
                syncs.append(disk.submit(_sync, path))
            yield clip
        for sync in syncs:
            sync.result()


def _sync(path: Path) -> None:
    with path.open("r+b") as written:
        os.fsync(written.fileno())


def _write_provenance(file: h5py.File, provenance: Provenance) -> None:
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["mer_di_version"] = mer_di.__version__
    file.attrs["dataset"] = provenance.dataset
    file.attrs["annotation_sha256"] = provenance.annotation_sha256
    file.attrs["annotation_version"] = provenance.annotation_version
    file.attrs["recipe"] = provenance.recipe.text
    file.attrs["recipe_sha256"] = provenance.recipe.sha256
    file.attrs["min_class_size"] = provenance.min_class_size


def _write_clips(file: h5py.File, count: int, clips: Iterable[CachedClip], size: int) -> None:
    def stack(name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> h5py.Dataset:
        return file.create_dataset(name, shape=(max(count, 1), *shape), dtype=dtype, chunks=(1, *shape))

    di = [stack(f"di/{name}", (size, size, 3), np.float32) for name in DI_STREAMS]
    frames = [stack(f"frames/{name}", (size, size, 3), np.uint8) for name in KEY_FRAMES]
    transforms = stack("samples/transform", (2, 3), np.float64)
    rows = []
    for index, clip in enumerate(clips):
        transforms[index] = clip.transform
        for dataset, image in zip([*di, *frames], [*clip.di, *clip.frames], strict=True):
            # an image is a chunk: written as it is, without the copies that selecting a part of a dataset costs
            dataset.id.write_direct_chunk((index, 0, 0, 0), np.ascontiguousarray(image, dataset.dtype))
        rows.append((clip.columns, clip.fps))
    for dataset in [transforms, *di, *frames]:
        dataset.resize(len(rows), axis=0)
    _write_columns(file["samples"], [columns for columns, _ in rows], [fps for _, fps in rows])


def _write_columns(group: h5py.Group, rows: Sequence[Mapping[str, str | int]], fps: Sequence[float]) -> None:
    classes = sorted({str(row["emotion"]) for row in rows})
    group.attrs.create("classes", classes, dtype=_TEXT)
    for name in TEXT_COLUMNS:
        group.create_dataset(name, data=[str(row[name]) for row in rows], dtype=_TEXT, shape=(len(rows),))
    labelled = [{**row, "label": classes.index(str(row["emotion"]))} for row in rows]
    for name in INT_COLUMNS:
        group.create_dataset(name, data=np.array([row[name] for row in labelled], dtype=np.int64))
    group.create_dataset("fps", data=np.array(fps, dtype=np.float64))


def _write_table(file: h5py.File, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    group = file.create_group(name)
    for position, column in enumerate(columns):
        group.create_dataset(column, data=[row[position] for row in rows], dtype=_TEXT, shape=(len(rows),))


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

    def key_frames(self, name: str) -> h5py.Dataset:
        """Return the aligned key frames, (N, S, S, 3) uint8, RGB.

        Parameters
        ----------
        name : {"onset", "apex", "offset"}

        Raises
        ------
        CacheError
            If there is no such key frame.
        """
        if name not in KEY_FRAMES:
            raise CacheError(f"key frame {name!r} does not exist; expected one of {', '.join(KEY_FRAMES)}")
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
        If the file is missing, no HDF5 file, truncated, not a mer_di cache, or of a newer format.
    """
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
    missing = [name for name in ("samples", "di", "dropped") if name not in file]
    if missing or "recipe" not in file.attrs:
        return f"is damaged: {', '.join(missing) or 'its recipe'} is missing; build it again"
    return None


def _column(data: h5py.Dataset) -> NDArray[Any]:
    if h5py.check_string_dtype(data.dtype):
        return np.array(data.asstr()[:], dtype=object)
    values: NDArray[Any] = data[:]
    return values
