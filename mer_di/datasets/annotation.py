"""The samples of an owner's table, looked at as a whole: names that are unique, its version, findings."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_tables, no_table, subfolders
from mer_di.datasets.notation import canonical_emotion, sample_from
from mer_di.datasets.spec import UNRECOGNIZED, UNVERSIONED, Spec
from mer_di.datasets.table import Table, joined, read_table
from mer_di.errors import AnnotationError
from mer_di.origin import SYNTHETIC, SYNTHETIC_TITLE
from mer_di.people import other_spellings
from mer_di.sample import Sample


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation table as samples.

    Attributes
    ----------
    table : Table
        The table as read.
    samples : tuple of Sample
        One for each row, sorted by sample id, without paths.
    version : str
        See `Spec.version_of`; ``synthetic`` for a table that this program drew.
    findings : tuple of Finding
    """

    table: Table
    samples: tuple[Sample, ...]
    version: str
    findings: tuple[Finding, ...] = ()


_TWO_EVENTS = ". Two micro-expressions of one recording, each with its own onset, are read by --dataset manifest"

ReadTable = Callable[[Spec, Path], Annotation]


def annotate(spec: Spec, table: Table, samples: Sequence[Sample]) -> Annotation:
    """Put the samples of a table in order, and look at them as a whole.

    Parameters
    ----------
    spec : Spec
    table : Table
    samples : sequence of Sample
        One for each row of the table, in its order.

    Returns
    -------
    Annotation

    Raises
    ------
    AnnotationError
        If the table has no rows, or two rows for one clip; where a clip is a recording, two rows for one onset in it.
    """
    if not samples:
        raise AnnotationError(f"{table.path} has a header and no rows below it; expected one row a clip")
    if spec.recordings == "rule":
        samples = [replace(sample, event=_onset(sample)) for sample in samples]
    elif spec.recordings == "exception":
        samples = _told_apart(samples)
    _require_unique(spec, table, samples)
    version = SYNTHETIC if table.title == SYNTHETIC_TITLE else spec.version_of(samples)
    findings = (
        *_table_findings(spec, table, samples, version),
        *(_recording_findings(samples) if spec.recordings == "exception" else ()),
        *_alias_findings(samples),
        *_emotion_findings(spec, samples),
        *_people_findings(samples),
    )
    return Annotation(table, tuple(sorted(samples, key=lambda sample: sample.sample_id)), version, findings)


def read_annotation(spec: Spec, path: Path) -> Annotation:
    """Read an owner's table.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    AnnotationError
        If it cannot be read without guessing.
    """
    table = read_table(path, spec.columns)
    return annotate(spec, table, [sample_from(row, spec) for row in table.rows])


def choose_annotation(spec: Spec, root: Path, table: Path | None, read: ReadTable = read_annotation) -> Annotation:
    """Read a database's table: the named one, or the only one there is; of several the benchmarks' version, or all.

    Parameters
    ----------
    spec : Spec
        Its `published` versions stand in order of preference.
    root : pathlib.Path
        Where to look.
    table : pathlib.Path or None
        The caller's choice.
    read : callable
        Reads one.

    Returns
    -------
    Annotation
        With a finding of kind ``table-chosen`` where there were several, and ``tables-joined`` where `Spec.in_parts`.

    Raises
    ------
    DatasetNotFoundError
        If there is none.
    AnnotationError
        If one cannot be read, or there are several and none is a published version, or two parts hold one clip.
    """
    if table is not None:
        return read(spec, table)
    paths = find_tables(spec, root)
    if not paths:
        raise no_table(spec, root, (root, *subfolders(root)))
    candidates = [read(spec, path) for path in paths]
    if len(candidates) == 1:
        return candidates[0]
    return _whole(spec, candidates) if spec.in_parts else _preferred(spec, candidates)


def subject_findings(samples: Iterable[Sample], separator: str) -> tuple[Finding, ...]:
    """Report clips whose name starts with another subject than the table's cell; the cell is kept.

    Parameters
    ----------
    samples : iterable of Sample
    separator : str
        What ends the subject in a clip's name: ``_`` in ``006_1_2``.
    """
    return tuple(
        Finding(
            "subject-contradicts-clip",
            sample.sample_id,
            f"the table's subject is {sample.subject}, the clip's name begins with {named!r}; the table is kept. "
            "Leaving out one subject would leave this person in the training data: look at the faces.",
        )
        for sample in samples
        if (named := sample.clip.partition(separator)[0]).casefold() != sample.subject.casefold()
    )


def _told_apart(samples: Sequence[Sample]) -> list[Sample]:
    """Name each further row of a recording by its onset; the first keeps the plain name, so that rows can be added."""
    recordings: set[str] = set()
    told = []
    for sample in samples:
        recording = sample.sample_id.casefold()
        told.append(replace(sample, event=_onset(sample)) if recording in recordings else sample)
        recordings.add(recording)
    return told


def _onset(sample: Sample) -> str:
    return dict(sample.unread).get("onset", "") if sample.onset is None else str(sample.onset)


def _require_unique(spec: Spec, table: Table, samples: Sequence[Sample]) -> None:
    seen: dict[str, str] = {}
    for row, sample in zip(table.rows, samples, strict=True):
        names = {sample.sample_id.casefold()}
        if spec.recordings != "never":
            names.add(replace(sample, event=_onset(sample)).sample_id.casefold())
        first = next((seen[name] for name in names if name in seen), None)
        if first is not None:
            onset = "" if spec.recordings == "never" else " and its onset"
            raise AnnotationError(
                f"{table.path}: two rows for the clip {sample.sample_id}{onset} ({first}; {row.where}); compare them "
                "with their source: remove the row that was copied twice, or give the two clips different names"
                f"{_TWO_EVENTS if spec.recordings == 'never' else ''}"
            )
        seen |= dict.fromkeys(names, row.where)


def _table_findings(spec: Spec, table: Table, samples: Sequence[Sample], version: str) -> list[Finding]:
    findings = [
        Finding("sheet-ignored", table.path.name, f"{sheet} holds such a table too; only the first one was read")
        for sheet in table.ignored_sheets
    ]
    findings += [
        Finding(
            "column-missing",
            table.path.name,
            f"the table has no column {column.headers[0]}; --apex-policy spot looks for it in the frames, midpoint "
            "takes the middle of onset..offset",
        )
        for column in spec.columns
        if column.name == "apex" and column.name not in table.columns
    ]
    totals = [published.samples for published in spec.published]
    if version == UNVERSIONED and totals and len(samples) not in totals:
        text = f"{len(samples)} rows; the owners' table has {' or '.join(map(str, totals))}"
        findings.append(Finding("table-unrecognized", table.path.name, text))
    if version == UNRECOGNIZED:
        known = "; ".join(f"{p.version}: {p.samples} rows, {p.subjects} subjects" for p in spec.published if p.emotions)
        subjects = len({sample.subject for sample in samples})
        here = f"{len(samples)} rows, {subjects} subjects"
        text = f"{here}: by its counts and its rows, as far as these are public, it is no published version ({known})"
        findings.append(Finding("table-unrecognized", table.path.name, text))
    return findings


def _recording_findings(samples: Iterable[Sample]) -> list[Finding]:
    further: dict[str, list[str]] = {}
    for sample in samples:
        if sample.event is not None:
            further.setdefault(f"{sample.subject}/{sample.clip}", []).append(repr(sample.sample_id))
    return [
        Finding(
            "recording",
            name,
            f"{len(ids) + 1} rows: the first in the table keeps the name, the others are {', '.join(ids)}. Add rows "
            "below them, so that no name changes",
        )
        for name, ids in further.items()
    ]


def _alias_findings(samples: Iterable[Sample]) -> list[Finding]:
    spellings = Counter(s.emotion_written for s in samples if s.emotion_written.casefold() != s.emotion)
    return [
        Finding("emotion-alias", written, f"{count} rows say {written!r}, read as {canonical_emotion(written)!r}")
        for written, count in sorted(spellings.items())
    ]


def _emotion_findings(spec: Spec, samples: Iterable[Sample]) -> list[Finding]:
    known = sorted({emotion for published in spec.published for emotion in published.emotions})
    strange = Counter(sample.emotion_written for sample in samples if known and sample.emotion not in known)
    return [
        Finding(
            "emotion-unknown",
            written,
            f"{count} rows say {written!r}, which is a class of its own here and none of the database's: "
            f"{', '.join(known)}. If it is one of these, write it so in the table",
        )
        for written, count in sorted(strange.items())
    ]


def _people_findings(samples: Iterable[Sample]) -> list[Finding]:
    return [
        Finding(
            "subject-spellings",
            ", ".join(group),
            f"the subjects {' and '.join(map(repr, group))} are probably one person. Leaving out one of them would "
            "leave this person in the training data: write them alike, or name them apart if they are not the same "
            "(mer-di train --subjects-as-written takes the table's word)",
        )
        for group in other_spellings(sample.subject for sample in samples)
    ]


def _whole(spec: Spec, parts: Sequence[Annotation]) -> Annotation:
    table = joined([part.table for part in parts])
    annotation = annotate(spec, table, [sample_from(row, spec) for row in table.rows])
    listed = "; ".join(f"{part.table.path} ({part.version}, {len(part.samples)} rows)" for part in parts)
    text = f"{len(parts)} tables are read as one: {listed}. To read one of them, name it with --table"
    finding = Finding("tables-joined", table.path.name, text)
    return replace(annotation, findings=(finding, *annotation.findings))


def _preferred(spec: Spec, candidates: Sequence[Annotation]) -> Annotation:
    order = [published.version for published in spec.published]
    listed = "; ".join(f"{annotation.table.path} ({annotation.version})" for annotation in candidates)
    recognised = [annotation for annotation in candidates if annotation.version in order]
    if not recognised:
        raise AnnotationError(f"{spec.name}: several annotation tables: {listed}. Choose one with --table.")
    chosen = min(recognised, key=lambda annotation: order.index(annotation.version))
    text = f"several tables: {listed}. This one is read, as the {chosen.version} version; choose with --table"
    finding = Finding("table-chosen", chosen.table.path.name, text)
    return Annotation(chosen.table, chosen.samples, chosen.version, (finding, *chosen.findings))
