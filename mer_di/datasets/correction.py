"""Corrections of annotation tables: data with a reason and a source, applied only where they still fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mer_di.datasets.finding import Finding
from mer_di.errors import AnnotationError, InputError
from mer_di.sample import Sample

Field = Literal["onset", "apex", "offset"]

SETS: Mapping[str, str] = {
    "released": "facts about the released files, such as frames that a table promises and no copy holds",
    "meb": "re-annotations of the meb benchmark (github.com/tvaranka/meb) that are known by clip",
    "qqxuyujie": "re-annotations of github.com/QqXuyujie/Micro-Expression-Datasets that are known by clip",
    "rebased": "MMEW numbers of the whole recording, moved to the clip's own; on in every choice but 'none'",
    "none": "the table as it is",
}


@dataclass(frozen=True, slots=True)
class Correction:
    """One cell of an annotation table that should read otherwise.

    Attributes
    ----------
    set_name : str
        The set it belongs to, a key of `SETS`.
    sample_id : str
        ``subject/clip``.
    field : {"onset", "apex", "offset"}
        The column.
    was : int or str
        What the table must hold for the correction to apply; text for a cell without a number (``/``).
    now : int
        What to read instead, in the table's numbering.
    why, source : str
        The reason, and who found it.
    """

    set_name: str
    sample_id: str
    field: Field
    was: int | str
    now: int
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """Samples after corrections, the corrections that changed a cell, and those that did not and why."""

    samples: tuple[Sample, ...]
    applied: tuple[Correction, ...] = ()
    findings: tuple[Finding, ...] = ()


def choose_corrections(known: Iterable[Correction], names: Sequence[str]) -> tuple[Correction, ...]:
    """Take the corrections of some sets.

    Parameters
    ----------
    known : iterable of Correction
        All that are known of a database.
    names : sequence of str
        Keys of `SETS`; ``none``, the same as no name at all, stands alone. A set that knows nothing of the
        database is empty.

    Returns
    -------
    tuple of Correction
        One for each cell, in order of sample and field.

    Raises
    ------
    InputError
        If a name is unknown, ``none`` has company, or two sets want different values in one cell.
    """
    unknown = [name for name in names if name not in SETS]
    if unknown:
        raise InputError(f"no correction set is called {', '.join(map(repr, unknown))}; expected of {', '.join(SETS)}")
    if "none" in names and len(set(names)) > 1:
        raise InputError(f"the corrections {', '.join(names)} contradict each other: 'none' stands alone")
    cells: dict[tuple[str, str], Correction] = {}
    for correction in known:
        if correction.set_name in names:
            first = cells.setdefault((correction.sample_id, correction.field), correction)
            if first.now != correction.now:
                raise InputError(
                    f"the correction sets {first.set_name!r} and {correction.set_name!r} want {correction.field} "
                    f"{first.now} and {correction.now} for {correction.sample_id}; choose one of them"
                )
    return tuple(cells[key] for key in sorted(cells))


def correct(samples: Iterable[Sample], corrections: Iterable[Correction]) -> Corrected:
    """Apply corrections to the samples they name.

    Parameters
    ----------
    samples : iterable of Sample
    corrections : iterable of Correction
        At most one for each cell.

    Returns
    -------
    Corrected
        Samples in their order. A correction whose sample is not there, or whose value is there already,
        is a finding.

    Raises
    ------
    AnnotationError
        If a cell holds neither the old nor the new value: the table is another one than was corrected.
    """
    by_id = {sample.sample_id: sample for sample in samples}
    applied: list[Correction] = []
    findings: list[Finding] = []
    for correction in corrections:
        sample = by_id.get(correction.sample_id)
        if sample is None:
            findings.append(_finding("correction-not-applicable", correction, "the table has no such clip"))
            continue
        written = _written(sample, correction.field)
        if written == correction.now:
            findings.append(_finding("correction-already-made", correction, "the table holds the new value already"))
            continue
        if written != correction.was:
            raise AnnotationError(_refusal(correction, written))
        by_id[sample.sample_id] = _corrected(sample, correction)
        applied.append(correction)
    return Corrected(tuple(by_id.values()), tuple(applied), tuple(findings))


def _written(sample: Sample, field: Field) -> int | str:
    number: int | None = getattr(sample, field)
    return dict(sample.unread)[field] if number is None else number


def _corrected(sample: Sample, correction: Correction) -> Sample:
    number: dict[str, Any] = {correction.field: correction.now}
    return replace(sample, **number, unread=tuple(cell for cell in sample.unread if cell[0] != correction.field))


def _finding(kind: str, correction: Correction, found: str) -> Finding:
    change = f"{correction.field} {correction.was} -> {correction.now}"
    return Finding(kind, correction.sample_id, f"{found}; not applied: {change} of the set {correction.set_name!r}")


def _refusal(correction: Correction, written: int | str) -> str:
    return (
        f"{correction.sample_id}: the table holds {correction.field} {written!r}; the correction set "
        f"{correction.set_name!r} replaces {correction.was!r} by {correction.now} ({correction.why}) and would hide "
        f"another value. Compare the table with the owner's, or leave the set out with --corrections none."
    )
