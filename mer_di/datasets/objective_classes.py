"""Objective classes in a file of their own, beside the annotation table: `CASME2-ObjectiveClasses.xlsx`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mer_di.datasets.columns import Column
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import files
from mer_di.datasets.notation import subject_name
from mer_di.datasets.sheets import readable
from mer_di.datasets.table import plain, read_table
from mer_di.errors import AnnotationError

_COLUMNS = (
    Column("subject", ("Subject",)),
    Column("clip", ("Filename",)),
    Column("objective_class", ("Objective Class", "Objective Classes")),
)
_NAMED = "objectiveclass"


def with_objective_classes(database: Database) -> Database:
    """Add the objective classes that stand in a file beside the table, where the table has no such column.

    Where it has one, it is kept, and a finding says how many rows of the file say otherwise.

    Raises
    ------
    AnnotationError
        If the file cannot be read without guessing.
    """
    beside = files(database.table.parent)
    found = [path for path in beside if _NAMED in plain(path.stem) and path.suffix.casefold() in readable()]
    if not found:
        return database
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        text = "several files of objective classes, and none of them is read; leave one of them beside the table"
        return _told(database, Finding("objective-classes", names, text))
    return _joined(database, found[0])


def _joined(database: Database, path: Path) -> Database:
    there = _read(database, path)
    if any(sample.objective_class for sample in database.samples):
        unlike = sum(
            there.get(s.sample_id.casefold(), s.objective_class) != s.objective_class for s in database.samples
        )
        text = (
            f"the table has objective classes, and they are kept; those of this file differ in {unlike} of "
            f"{len(database.samples)} rows"
        )
        return _told(database, Finding("objective-classes", path.name, text)) if unlike else database
    classes = [there.get(sample.sample_id.casefold(), "") for sample in database.samples]
    text = f"{sum(map(bool, classes))} of {len(classes)} rows of the table have their objective class from this file"
    samples = tuple(replace(s, objective_class=name) for s, name in zip(database.samples, classes, strict=True))
    return _told(replace(database, samples=samples), Finding("objective-classes", path.name, text))


def _read(database: Database, path: Path) -> Mapping[str, str]:
    """Return the class of each sample id, in lower case.

    Raises
    ------
    AnnotationError
        If two rows give one clip different classes.
    """
    notation = database.spec.subject or "{}"
    classes: dict[str, str] = {}
    for row in read_table(path, _COLUMNS).rows:
        name = f"{subject_name(notation, row.text('subject'))}/{row.text('clip')}".casefold()
        here = row.text("objective_class")
        if classes.setdefault(name, here) != here:
            raise AnnotationError(
                f"{row.where}: the objective class of {name} is {here!r} here and {classes[name]!r} in a row above; "
                "compare them with the owners' file, and keep the row that is right"
            )
    return classes


def _told(database: Database, finding: Finding) -> Database:
    return replace(database, findings=(*database.findings, finding))
