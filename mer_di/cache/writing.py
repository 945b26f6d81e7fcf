"""A cache file is made with everything that the table says; its rows follow, and it is renamed when they are there."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py
import numpy as np

import mer_di
from mer_di.cache.format import (
    APEX_CONFIDENCE,
    CORRECTION_COLUMNS,
    FORMAT,
    FORMAT_VERSION,
    OF_THE_TABLE,
    TABLE_DIGEST,
    TEXT_COLUMNS,
)
from mer_di.cache.rows import RenderedClip, Rows, fields_of, origin_of
from mer_di.cache.sparse import Sparse
from mer_di.cache.table import table_digest
from mer_di.files import written_aside
from mer_di.recipe import Recipe

# What HDF5 1.8 can open (MATLAB before R2021b links it), and those who read the format without the library.
BOUNDS = ("earliest", "v110")
PAGE = 4096  # where images begin, so that they can be mapped into memory
_TEXT = h5py.string_dtype("utf-8")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the table and the plan say of one kept sample.

    Attributes
    ----------
    columns : mapping of str to str or int
        A value for each of `TEXT_COLUMNS` and `INT_COLUMNS` but ``label``, which follows from ``emotion``, and the
        size of the frames. Frame numbers are the database's own, inclusive; lengths are in frames.
    fps : float
        Frames per second, NaN where unknown.
    apex_confidence : float or None
        0..1 where the apex was spotted, else None or NaN.
    """

    columns: Mapping[str, str | int]
    fps: float
    apex_confidence: float | None = None

    @property
    def sample_id(self) -> str:
        """``subject/clip``."""
        return str(self.columns["sample_id"])


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
    key_frames : bool
        Whether the cache holds key frames, which are faces.
    part : str
        ``K/N`` of a cache that was built of one part of its table (`mer_di.building.part`); empty for all of it.
    """

    dataset: str
    annotation_sha256: str
    annotation_version: str
    recipe: Recipe
    min_class_size: int = 1
    corrections: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    key_frames: bool = True
    part: str = ""


def write_cache(
    path: Path, provenance: Provenance, clips: Sequence[tuple[Entry, RenderedClip]], dropped: Mapping[str, str]
) -> None:
    """Write a cache of clips that are in memory, aside, and rename it into place.

    Parameters
    ----------
    path : pathlib.Path
        The cache; replaced if it exists.
    provenance : Provenance
    clips : sequence of (Entry, RenderedClip)
        Sorted by sample id.
    dropped : mapping of str to str
        Sample id to reason.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; the former cache, if any, is untouched.
    """
    with written_aside(path) as aside:
        rows = make_cache(aside, provenance, [entry for entry, _ in clips], dropped)
        for index, (entry, rendered) in enumerate(clips):
            rows.write(index, entry.sample_id, rendered)


@dataclass(frozen=True, slots=True)
class Draft:
    """A cache file that lacks nothing but the rows of what is computed from frames, in memory.

    HDF5 writes there, so a disk that is full or fails meets plain writes alone.

    Attributes
    ----------
    rows : Rows
        Where they go, in a file that has no path yet.
    pieces : sequence of (int, bytes)
        All other bytes, by their place.
    """

    rows: Rows
    pieces: Sequence[tuple[int, bytes]]

    def stands_in(self, path: Path) -> bool:
        """Whether everything but the rows is in a file already."""
        with path.open("rb") as file:
            return all(file.seek(place) == place and file.read(len(piece)) == piece for place, piece in self.pieces)

    def lay_out(self, path: Path) -> Rows:
        """Write everything but the rows into a file, and take the room for them; what is in their places stays.

        Raises
        ------
        OSError
            If the disk is full or the file cannot be written.
        """
        path.touch()
        with path.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, self.rows.end)
            for place, piece in self.pieces:
                file.seek(place)
                file.write(piece)
        return replace(self.rows, path=path)


def draft_cache(provenance: Provenance, entries: Sequence[Entry], dropped: Mapping[str, str]) -> Draft:
    """Draft a cache file; the same arguments give the same bytes.

    Parameters
    ----------
    provenance : Provenance
    entries : sequence of Entry
        Sorted by sample id.
    dropped : mapping of str to str
        Sample id to reason.
    """
    recipe = provenance.recipe
    fields = fields_of(recipe.text, key_frames=provenance.key_frames)
    corrections = [tuple(row[name] for name in CORRECTION_COLUMNS) for row in provenance.corrections]
    drawn = Sparse()
    with h5py.File(drawn, "w", libver=BOUNDS, alignment_threshold=PAGE, alignment_interval=PAGE) as file:
        _write_provenance(file, provenance)
        _write_entries(file.create_group("samples"), entries)
        if recipe.apex_policy == "spot":
            sure = [float("nan") if entry.apex_confidence is None else entry.apex_confidence for entry in entries]
            file["samples"].create_dataset(APEX_CONFIDENCE, data=np.array(sure, dtype=np.float64))
        _write_table(file, "dropped", ("sample_id", "reason"), sorted(dropped.items()))
        _write_table(file, "corrections", CORRECTION_COLUMNS, corrections)
        file.attrs[TABLE_DIGEST] = table_digest(file)
        offsets = {name: _make_room(file, name, kind, len(entries)) for name, kind in fields.items()}
    end = drawn.seek(0, os.SEEK_END)
    origin = origin_of(recipe.sha256, provenance.annotation_sha256)
    taken = sorted((offsets[name], offsets[name] + len(entries) * kind.itemsize) for name, kind in fields.items())
    between = zip([0, *(stop for _, stop in taken)], [*(start for start, _ in taken), end], strict=True)
    pieces = [(start, drawn.part(start, stop)) for start, stop in between if start < stop]
    return Draft(Rows(Path(), recipe.size, origin, offsets, end, jitter=recipe.apex_jitter), pieces)


def make_cache(path: Path, provenance: Provenance, entries: Sequence[Entry], dropped: Mapping[str, str]) -> Rows:
    """Make a cache file that lacks nothing but its rows.

    Parameters
    ----------
    path : pathlib.Path
        Replaced if it exists.
    provenance, entries, dropped
        See `draft_cache`.

    Returns
    -------
    Rows
        Where they go.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    draft = draft_cache(provenance, entries, dropped)
    path.unlink(missing_ok=True)
    return draft.lay_out(path)


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
    if provenance.part:
        file.attrs["part"] = provenance.part


def _write_entries(group: h5py.Group, entries: Sequence[Entry]) -> None:
    emotions = [str(entry.columns["emotion"]) for entry in entries]
    classes = sorted(set(emotions))
    group.attrs.create("classes", classes, dtype=_TEXT)
    for name in TEXT_COLUMNS:
        _write_text(group, name, [str(entry.columns[name]) for entry in entries])
    group.create_dataset("label", data=np.array([classes.index(name) for name in emotions], dtype=np.int64))
    for name in OF_THE_TABLE:
        group.create_dataset(name, data=np.array([entry.columns[name] for entry in entries], dtype=np.int64))
    group.create_dataset("fps", data=np.array([entry.fps for entry in entries], dtype=np.float64))


def _write_table(file: h5py.File, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    group = file.create_group(name)
    for position, column in enumerate(columns):
        _write_text(group, column, [row[position] for row in rows])


def _write_text(group: h5py.Group, name: str, values: Sequence[str]) -> None:
    # h5repack fails on a column that is empty unless it is chunked
    chunked = {} if values else {"chunks": (1,), "maxshape": (None,)}
    group.create_dataset(name, data=values, dtype=_TEXT, shape=(len(values),), **chunked)


def _make_room(file: h5py.File, name: str, kind: np.dtype[np.generic], count: int) -> int:
    """Make a dataset whose bytes have their place from the beginning and are written by nobody yet."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)
    space = h5py.h5s.create_simple((count, *kind.shape))
    made = h5py.h5d.create(
        file.require_group(name.rpartition("/")[0]).id,
        name.rpartition("/")[2].encode(),
        h5py.h5t.py_create(kind.base, logical=True),
        space,
        properties,
    )
    offset: int = made.get_offset() or 0
    return offset
