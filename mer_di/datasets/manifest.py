"""Anybody's data: a table of clips with the path of each, in a folder of one's own."""

import math
import posixpath
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from mer_di.datasets.annotation import COLUMNS, annotate, sample_from
from mer_di.datasets.clips import require_tree
from mer_di.datasets.correction import choose_corrections
from mer_di.datasets.database import Database
from mer_di.datasets.locate import files, find_root, not_found
from mer_di.datasets.spec import Choice, Spec
from mer_di.datasets.table import SUFFIXES, Column, Row, read_table
from mer_di.errors import AnnotationError
from mer_di.sample import Sample

SPEC = Spec(
    name="manifest",
    title="Your own data",
    citation="",
    doi="",
    licence="Yours to know.",
    request_url="",
    fps=None,
    tables=("manifest",),
    layout="""\
manifest.csv    one row a clip; columns: subject, clip, path, onset, apex, offset, emotion
                and, if you have them: action units, fps
  path    a folder of images or a video file, relative to the table's folder
  onset, apex, offset    inclusive; for images the last integer of the file name, for videos the 0-based position""",
)

_PATH = Column("path", ("path",))
_FPS = Column("fps", ("fps",), required=False)


def load(root: Path | None, choice: Choice) -> Database:
    """Load a manifest; see `mer_di.datasets.load_dataset`. `root` is the table, or the folder of ``manifest.csv``."""
    require_tree(SPEC, choice.tree)
    choose_corrections((), choice.corrections)
    path = choice.table or _manifest(find_root(SPEC, root))
    table = read_table(path, (*COLUMNS, _PATH, _FPS))
    annotation = annotate(SPEC, table, [_sample(row, path.parent) for row in table.rows])
    return Database(
        spec=SPEC,
        root=path.parent,
        tree=None,
        registered=False,
        table=path,
        table_sha256=table.sha256,
        table_version=annotation.version,
        samples=annotation.samples,
        findings=annotation.findings,
    )


def _manifest(place: Path) -> Path:
    if place.is_file():
        return place
    tables = [p for p in files(place) if p.stem.casefold() == "manifest" and p.suffix.casefold() in SUFFIXES]
    if not tables:
        raise not_found(SPEC, f"{place} holds no manifest.csv or manifest.xlsx")
    if len(tables) > 1:
        raise AnnotationError(f"{place} holds {', '.join(p.name for p in tables)}; name the one to read with --root")
    return tables[0]


def _sample(row: Row, folder: Path) -> Sample:
    path = _path(row, folder)
    return replace(sample_from(row, SPEC), path=path if path.exists() else None, fps=_fps(row))


def _path(row: Row, folder: Path) -> Path:
    written = row.required_text("path")
    # A table written on Windows says grid\a.mpg; no file system here needs a backslash in a name.
    relative = posixpath.normpath(written.replace("\\", "/"))
    anchored = posixpath.isabs(relative) or PureWindowsPath(written).anchor or written.startswith("~")
    if anchored or relative == ".." or relative.startswith("../"):
        raise AnnotationError(
            f"{row.where}: the path {written!r} leads out of the table's folder; expected a path relative to {folder}, "
            "without leaving it. Move the table above the data."
        )
    return folder / relative


def _fps(row: Row) -> float | None:
    text = row.text("fps")
    if not text:
        return None
    try:
        fps = float(text)
    except ValueError:
        fps = math.nan
    if not (math.isfinite(fps) and fps > 0):
        raise AnnotationError(f"{row.where}: fps is {text!r}; expected a positive number, or an empty cell")
    return fps
