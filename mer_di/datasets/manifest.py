"""Anybody's data: a table of clips with the path of each, in a folder of one's own."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from mer_di.datasets.annotation import annotate
from mer_di.datasets.clips import require_tree
from mer_di.datasets.columns import Column
from mer_di.datasets.correction import choose_corrections
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import files, find_root, no_table, sought
from mer_di.datasets.notation import sample_from
from mer_di.datasets.sheets import readable, shortened
from mer_di.datasets.spec import Choice, Spec
from mer_di.datasets.table import Row, read_table
from mer_di.errors import AnnotationError, DatasetNotFoundError
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
manifest.csv    one row a micro-expression; columns: subject, clip, path, onset, apex, offset, emotion
                and, if you have them: action units, objective class, fps
  path    a folder of images or a video file, relative to the table's folder, or to --root if --table names the table
  onset, apex, offset    inclusive; for images the last integer of the file name, for videos the 0-based position
                no column apex, or an empty cell: --apex-policy spot looks for it in the frames, midpoint takes the
                middle of onset..offset""",
    columns=(
        Column("subject", ("subject",)),
        Column("clip", ("clip", "Filename")),
        Column("path", ("path",)),
        Column("onset", ("onset", "OnsetFrame", "OnsetF")),
        Column("apex", ("apex", "ApexFrame", "ApexF"), required=False),
        Column("offset", ("offset", "OffsetFrame", "OffsetF")),
        Column("emotion", ("emotion", "Estimated Emotion")),
        Column("action_units", ("action units", "AU", "AUs"), required=False),
        Column("objective_class", ("objective class", "Objective Classes"), required=False),
        Column("fps", ("fps",), required=False),
    ),
    recordings="exception",
)

_OF_A_CLIP = ("path", "onset", "offset")
_MAY_BE_UNSAID = ("subject", "clip", "emotion")
_SAID = ("path", "onset", "apex", "offset", "subject", "clip", "emotion")
_LONGEST_PATH = 4096  # characters of a path that leads to nothing, in a message


def load(root: Path | None, choice: Choice) -> Database:
    """Load a manifest; see `mer_di.datasets.load_dataset`.

    `root` is the table, or the folder of ``manifest.csv``; beside ``Choice.table``, the folder that paths start from.
    """
    require_tree(SPEC, choice.tree)
    choose_corrections((), choice.corrections)
    path, home = _places(root, choice.table)
    table = read_table(path, SPEC.columns)
    allowed = [Path(os.path.realpath(folder)) for folder in (home, *map(_folder, choice.allow))]
    samples = [_placed(sample_from(row, SPEC), _path(row, home, allowed)) for row in table.rows]
    annotation = annotate(SPEC, table, samples)
    return Database(
        spec=SPEC,
        root=home,
        tree=None,
        registered=False,
        table=path,
        table_sha256=table.sha256,
        table_version=annotation.version,
        samples=annotation.samples,
        findings=(*annotation.findings, *_path_findings(annotation.samples, home)),
    )


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """A row of a table whose emotions nobody has to know.

    Attributes
    ----------
    cells : mapping of str to str
        What it says: ``path``, ``onset``, ``apex``, ``offset``, and where the table has them ``subject``, ``clip`` and
        ``emotion``.
    sample : Sample
    """

    cells: Mapping[str, str]
    sample: Sample


def load_unlabelled(
    table: Path, root: Path | None = None, allow: Sequence[str | os.PathLike[str]] = ()
) -> list[Unlabelled]:
    """Read a manifest that needs to say no more of a clip than its path and its key frames.

    Parameters
    ----------
    table : pathlib.Path
        As of `load`; the columns subject, clip and emotion may be missing, or blank.
    root : pathlib.Path, optional
        The folder that its paths start from, by default the table's own.
    allow : sequence of path-like
        Folders outside of it that paths may lead into.

    Returns
    -------
    list of Unlabelled
        Its rows, in their order.

    Raises
    ------
    DatasetNotFoundError
        If table or folder are not there.
    AnnotationError
        If it is no such table or has no rows, a path is blank or leads out of the folder, or a cell of text is none.
    """
    columns = [replace(column, required=column.name in _OF_A_CLIP) for column in SPEC.columns]
    path, home = _places(root, table.expanduser().absolute())
    found = read_table(path, columns)
    if not found.rows:
        raise AnnotationError(f"{path} has a header and no rows below it; expected one row a clip")
    allowed = [Path(os.path.realpath(folder)) for folder in (home, *map(_folder, map(Path, allow)))]
    return [_unlabelled(row, _path(row, home, allowed)) for row in found.rows]


def _unlabelled(row: Row, path: Path) -> Unlabelled:
    unsaid = {name: "unknown" for name in _MAY_BE_UNSAID if row.cells.get(name) is None}
    sample = sample_from(Row(row.where, {**row.cells, **unsaid}), SPEC)
    return Unlabelled({name: row.text(name) for name in _SAID if name in row.cells}, _placed(sample, path))


def _places(root: Path | None, table: Path | None) -> tuple[Path, Path]:
    """Return the table, and the folder that its paths start from."""
    if table is None:
        path = _manifest(find_root(SPEC, root))
        return path, path.parent
    if root is None:
        return table, table.parent
    home = find_root(SPEC, root)
    if not home.is_dir():
        raise DatasetNotFoundError(
            f"--root is {home}, a file, and --table is {table}: expected one table. Name with --root the folder that "
            "its paths start from, or leave --root out if that is the table's own"
        )
    return table, home


def _manifest(place: Path) -> Path:
    if place.is_file():
        return place
    tables = [p for p in files(place) if p.stem.casefold() == "manifest" and p.suffix.casefold() in readable()]
    if not tables:
        raise no_table(SPEC, place, (place,))
    if len(tables) > 1:
        raise AnnotationError(f"{place} holds {', '.join(p.name for p in tables)}; name the one to read with --root")
    return tables[0]


def _folder(place: Path) -> Path:
    folder = place.expanduser().absolute()
    if not folder.is_dir():
        raise DatasetNotFoundError(f"{folder} is no folder; expected one that paths of the manifest may lead into")
    return folder


def _placed(sample: Sample, path: Path) -> Sample:
    if os.path.exists(path):  # noqa: PTH110 - of a name that no file system takes it says no, and raises nothing
        return replace(sample, path=path)
    return replace(sample, sought=shortened(sought(path), _LONGEST_PATH))


def _path(row: Row, home: Path, allowed: Sequence[Path]) -> Path:
    """Return the path of a row.

    Raises
    ------
    AnnotationError
        If it leads out of the allowed folders: by ``..``, from ``/``, or through a link.
    """
    written = row.required_text("path")
    # A table written on Windows says grid\a.mpg; no file system here needs a backslash in a name.
    path = home / posixpath.normpath(written.replace("\\", "/"))
    foreign = written.startswith("~") or (PureWindowsPath(written).anchor and not Path(written).is_absolute())
    for place in (path, *_linked(path)):
        if foreign or not _within(place, allowed):
            end = "" if foreign else f": it is {os.path.realpath(place)}"
            raise AnnotationError(
                f"{row.where}: the path {shortened(written)!r} leads out of {home}{end}. Expected a path below that "
                "folder, written from there on, as in s01/clip1. Move the table above the data, name the folder above "
                "it with --root (and the table with --table), or allow the folder that it leads into with --allow."
            )
    return path


def _linked(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that are links: each may lead elsewhere."""
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry) for entry in entries if entry.is_symlink())
    except (OSError, ValueError):  # no folder, or none that can be listed
        return


def _within(path: Path, allowed: Iterable[Path]) -> bool:
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):  # a name that no file system takes leads nowhere
        return True
    return any(real.is_relative_to(folder) for folder in allowed)


def _path_findings(samples: Sequence[Sample], home: Path) -> list[Finding]:
    return [*_lost_findings(samples, home), *_shared_findings(samples)]


def _shared_findings(samples: Iterable[Sample]) -> Iterator[Finding]:
    """Report paths that stand under several subjects: one person under two names, unless two people are seen there."""
    subjects: dict[Path, set[str]] = {}
    for sample in samples:
        if sample.path is not None:
            subjects.setdefault(sample.path, set()).add(sample.subject)
    for path, names in subjects.items():
        if len(names) > 1:
            text = (
                f"this path stands under the subjects {' and '.join(map(repr, sorted(names)))}. If that is one person, "
                "leaving out one of them would leave this person in the training data: write them alike"
            )
            yield Finding("path-of-two-subjects", str(path), text)


def _lost_findings(samples: Sequence[Sample], home: Path) -> list[Finding]:
    lost = [sample for sample in samples if sample.sought]
    if not lost:
        return []
    text = (
        f"{len(lost)} of {len(samples)} paths lead to nothing; the first that was looked for is {lost[0].sought}. If "
        "they start from another folder, name that with --root and the table with --table"
    )
    return [Finding("path-not-found", str(home), text)]
