"""The way every owner's release is read: its table, corrected; each row joined with its folder; what was noticed."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path

from mer_di.datasets.annotation import Annotation, ReadTable, choose_annotation, read_annotation
from mer_di.datasets.clips import Clips, place
from mer_di.datasets.correction import Correction, choose_corrections, correct, offers
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.numbering import require_numbering
from mer_di.datasets.resemblance import resemblance
from mer_di.datasets.spec import Choice, Spec
from mer_di.sample import Sample

FindClips = Callable[[Spec, Path, str | None], Clips]


def read_release(
    spec: Spec,
    root: Path,
    choice: Choice,
    find_clips: FindClips,
    *,
    corrections: Sequence[Correction] = (),
    key: Callable[[Sample], str] = attrgetter("recording"),
    read: ReadTable = read_annotation,
) -> Database:
    """Read a database as its owners distribute it.

    Parameters
    ----------
    spec : Spec
    root : pathlib.Path
        The database, one of its frame trees, or a folder above.
    choice : Choice
        Tree, correction sets, table.
    find_clips : callable
        Finds the clip folders of a tree below root.
    corrections : sequence of Correction
        All that are known of this database.
    key : callable
        Key of a sample among the found folders.
    read : callable
        Reads a table; for one that has no header, or several events in a row.

    Returns
    -------
    Database

    Raises
    ------
    InputError
        If the choice names what does not exist.
    DatasetNotFoundError
        If table or frames are not there.
    AnnotationError
        If the table cannot be read without guessing, or a correction does not fit it.
    """
    choose_corrections(corrections, choice.corrections)
    annotation = choose_annotation(spec, root, choice.table, read)
    clips = find_clips(spec, root, choice.tree)
    return join(spec, root, choice, annotation, clips, corrections=corrections, key=key)


def join(
    spec: Spec,
    root: Path,
    choice: Choice,
    annotation: Annotation,
    clips: Clips,
    *,
    corrections: Sequence[Correction] = (),
    key: Callable[[Sample], str] = attrgetter("recording"),
) -> Database:
    """Correct the rows of a table and give each its folder: what `read_release` does once both are found.

    Parameters
    ----------
    spec, root, choice, corrections, key
        See `read_release`.
    annotation : Annotation
    clips : Clips

    Returns
    -------
    Database

    Raises
    ------
    InputError
        If the choice names a correction set that does not exist.
    AnnotationError
        If a correction does not fit the table, or the frames were renumbered.
    """
    chosen = choose_corrections(corrections, choice.corrections)
    placed, unlabelled = place(annotation.samples, clips, key)
    if spec.recordings == "rule" and unlabelled:  # most of a recording is at rest, and so are many recordings
        text = f"{len(unlabelled)} of {len(clips.folders)} recordings have no row in the table"
        unlabelled = (Finding("folder-without-row", str(clips.homes[0]), text),)
    corrected = correct(placed, chosen)
    require_numbering(clips.tree, corrected.samples)
    others = [correction for correction in corrections if correction not in chosen]
    return Database(
        spec=spec,
        root=root,
        tree=clips.tree.name,
        registered=clips.tree.registered,
        table=annotation.table.path,
        table_sha256=annotation.table.sha256,
        table_version=annotation.version,
        samples=corrected.samples,
        applied=corrected.applied,
        findings=(
            *annotation.findings,
            *resemblance(spec, annotation.table.path, annotation.version, annotation.samples, corrections),
            *clips.findings,
            *corrected.findings,
            *offers(corrected.samples, others),
            *unlabelled,
        ),
    )
