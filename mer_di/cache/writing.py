"""A cache is written aside, as its clips come, and renamed when it is complete."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

import mer_di
from mer_di.cache.format import (
    CORRECTION_COLUMNS,
    DI_STREAMS,
    FORMAT,
    FORMAT_VERSION,
    INT_COLUMNS,
    KEY_FRAMES,
    TEXT_COLUMNS,
)
from mer_di.recipe import Recipe

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
