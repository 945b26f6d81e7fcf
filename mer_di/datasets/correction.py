"""Corrections of annotation tables: data with a reason and a source, applied only where they still fit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mer_di.datasets.finding import Finding
from mer_di.errors import AnnotationError, InputError, SampleError
from mer_di.imaging.listing import list_frames
from mer_di.sample import Sample

Field = Literal["onset", "apex", "offset"]

SETS: Mapping[str, str] = {
    "released": "facts about released copies: the numbers of a clip whose frames on disk contradict the table",
    "meb": "re-annotations of the meb benchmark (github.com/tvaranka/meb) that are known by clip",
    "qqxuyujie": "re-annotations of github.com/QqXuyujie/Micro-Expression-Datasets that are known by clip",
    "apex-as-offset": "an offset 0 read as the apex, as github.com/genbing99/MEAN_Spot-then-recognize does",
    "rebased": "MMEW numbers of the whole recording, moved to the clip's own; on in every choice but 'none'",
    "none": "the table as it is",
}
"""In the order in which they are applied: laboratories annotate what is there."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One cell of an annotation table that should read otherwise.

    Those of one set, sample and onset belong together.

    Attributes
    ----------
    set_name : str
        The set it belongs to, a key of `SETS`.
    sample_id : str
        ``subject/clip``.
    field : {"onset", "apex", "offset"}
        The column.
    was : int, str or None
        What the cell must hold for the correction to apply; text for a cell without a number (``/``). None for any.
    now : int
        What to read instead, in the table's numbering.
    why, source : str
        The reason, and who found it.
    onset : int or None
        The onset of the row that is meant, where tables differ; in any other table there is nothing to correct.
    by_frames : bool
        Whether it applies only where the clip's folder lacks frames of the table's onset..offset, and has all of the
        corrected one.
    """

    set_name: str
    sample_id: str
    field: Field
    was: int | str | None
    now: int
    why: str
    source: str
    onset: int | None = None
    by_frames: bool = False


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
        In the order of the sets; within a set, by sample and onset.

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
    order = list(SETS)
    chosen = sorted((item for item in known if item.set_name in names), key=lambda item: order.index(item.set_name))
    cells: dict[tuple[str, str, int | None], Correction] = {}
    for correction in chosen:
        first = cells.setdefault((correction.sample_id, correction.field, correction.onset), correction)
        if first.now != correction.now:
            raise InputError(
                f"the correction sets {first.set_name!r} and {correction.set_name!r} want {correction.field} "
                f"{first.now} and {correction.now} for {correction.sample_id}; choose one of them"
            )
    return tuple(chosen)


def correct(samples: Iterable[Sample], corrections: Iterable[Correction]) -> Corrected:
    """Apply corrections to the samples they name.

    Parameters
    ----------
    samples : iterable of Sample
        With the paths of their clips.
    corrections : iterable of Correction
        As `choose_corrections` returns them.

    Returns
    -------
    Corrected
        Samples in their order. A correction whose sample is not there, or is another row, or whose value is there
        already, is a finding; one by frames that nothing on disk asks for is not.

    Raises
    ------
    AnnotationError
        If a cell holds neither the old nor the new value: the table is another one than was corrected.
    """
    by_id = {sample.sample_id: sample for sample in samples}
    applied: list[Correction] = []
    findings: list[Finding] = []
    for edit in _edits(corrections):
        sample = by_id.get(edit[0].sample_id)
        if edit[0].by_frames:
            fitting = edit if sample and _is_asked_for(sample, edit) else []
        else:
            fitting, told = _fitting(sample, edit)
            findings += told
        for correction in fitting:
            row = by_id[correction.sample_id]
            applied.append(replace(correction, was=row.written(correction.field)))
            by_id[correction.sample_id] = _corrected(row, correction)
    return Corrected(tuple(by_id.values()), tuple(applied), tuple(findings))


def offers(samples: Iterable[Sample], corrections: Iterable[Correction]) -> tuple[Finding, ...]:
    """Point to the sets that were not chosen and would mend what the frames on disk contradict.

    Parameters
    ----------
    samples : iterable of Sample
        After the chosen corrections.
    corrections : iterable of Correction
        Those that were not chosen.

    Returns
    -------
    tuple of Finding
        Of kind ``correction-offered``.
    """
    by_id = {sample.sample_id: sample for sample in samples}
    findings = []
    for edit in _edits(item for item in corrections if item.by_frames):
        sample = by_id.get(edit[0].sample_id)
        if sample and _is_asked_for(sample, edit):
            changes = ", ".join(f"{item.field} {item.was} -> {item.now}" for item in edit)
            text = f"{edit[0].why}; --corrections {edit[0].set_name} reads {changes} ({edit[0].source})"
            findings.append(Finding("correction-offered", sample.sample_id, text))
    return tuple(findings)


def _edits(corrections: Iterable[Correction]) -> list[list[Correction]]:
    """Put together what belongs together."""
    edits: dict[tuple[str, str, int | None], list[Correction]] = {}
    for item in corrections:
        edits.setdefault((item.set_name, item.sample_id, item.onset), []).append(item)
    return list(edits.values())


def _fitting(sample: Sample | None, edit: Sequence[Correction]) -> tuple[list[Correction], list[Finding]]:
    if sample is None:
        return [], [_finding("correction-not-applicable", item, "the table has no such clip") for item in edit]
    wanted = edit[0].onset
    if wanted not in (None, sample.onset):
        found = f"the table's onset is {sample.written('onset')}, in the table that was corrected it is {wanted}"
        return [], [_finding("correction-not-applicable", item, found) for item in edit]
    fitting, findings = [], []
    for item in edit:
        written = sample.written(item.field)
        if written == item.now:
            findings.append(_finding("correction-already-made", item, "the table holds the new value already"))
        elif item.was not in (None, written):
            raise AnnotationError(_refusal(item, written))
        else:
            fitting.append(item)
    return fitting, findings


def _is_asked_for(sample: Sample, edit: Sequence[Correction]) -> bool:
    """Whether the frames on disk are those of the edited row, and not those of the table's."""
    if sample.path is None or edit[0].onset not in (None, sample.onset):
        return False
    if any(item.was not in (None, sample.written(item.field)) for item in edit):
        return False
    edited = sample
    for item in edit:
        edited = _corrected(edited, item)
    try:
        numbers = list_frames(sample.path)
    except SampleError:  # of this clip; it is raised again where frames are asked for, and drops the sample there
        return False
    return _holds(numbers, edited) and not _holds(numbers, sample)


def _holds(numbers: Collection[int], sample: Sample) -> bool:
    if sample.onset is None or sample.offset is None:
        return False
    wanted = range(sample.onset, sample.offset + 1)
    return len(wanted) > 0 and sum(number in wanted for number in numbers) == len(wanted)


def _corrected(sample: Sample, correction: Correction) -> Sample:
    number: dict[str, Any] = {correction.field: correction.now}
    return replace(sample, **number, unread=tuple(cell for cell in sample.unread if cell[0] != correction.field))


def _finding(kind: str, correction: Correction, found: str) -> Finding:
    was = "any" if correction.was is None else correction.was
    change = f"{correction.field} {was} -> {correction.now}"
    return Finding(kind, correction.sample_id, f"{found}; not applied: {change} of the set {correction.set_name!r}")


def _refusal(correction: Correction, written: int | str) -> str:
    return (
        f"{correction.sample_id}: the table holds {correction.field} {written!r}; the correction set "
        f"{correction.set_name!r} replaces {correction.was!r} by {correction.now} ({correction.why}) and would hide "
        f"another value. Compare the table with the owner's, or leave the set out with --corrections none."
    )
