"""What a table says of subjects: the gender of each."""

from pathlib import Path

from mer_di.datasets.columns import Column
from mer_di.datasets.table import read_table
from mer_di.errors import AnnotationError

_COLUMNS = (Column("subject", ("Subject", "Participant")), Column("gender", ("Gender", "Sex")))


def read_genders(path: Path) -> dict[str, str]:
    """Read the gender of each subject.

    Parameters
    ----------
    path : pathlib.Path
        A table as `mer_di.datasets.table.read_table` reads it, with the columns subject and gender; case and
        surrounding space of a gender make no difference.

    Returns
    -------
    dict of str to str
        Subject, as it is written, to gender.

    Raises
    ------
    DatasetNotFoundError
        If the file cannot be opened.
    AnnotationError
        If it is no such table, a cell is blank, or a subject is there twice, whether or not the rows agree.
    """
    genders: dict[str, str] = {}
    for row in read_table(path, _COLUMNS, option="--subjects").rows:
        subject, gender = row.required_text("subject"), row.required_text("gender").casefold()
        if subject in genders:
            said = "again" if genders[subject] == gender else f"as {genders[subject]!r} and here as {gender!r}"
            raise AnnotationError(f"{row.where}: subject {subject!r} is there {said}; expected one row a subject")
        genders[subject] = gender
    return genders
