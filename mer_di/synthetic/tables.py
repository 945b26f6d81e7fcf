"""The annotation tables, with the sheets, headers, blank columns and preambles of the real ones."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from mer_di.origin import SYNTHETIC_TITLE

_NOTICE: Final = "SYNTHETIC: drawn by mer_di. Nobody's face, nobody's annotation; only the layout is the database's."
_PREAMBLE: Final = (
    _NOTICE,
    "Laid out as the micro-movement release of SAMM, whose table begins with thirteen rows of notes like these.",
    None,
    "Symbols in the column Action Units:",
    '"+" joins the action units of one movement',
    '"L" and "R" before a number: the left or the right side of the face alone',
    None,
    "Frame numbers count from the start of the recording; onset and offset are inclusive.",
    "Duration is a formula: offset - onset + 1.",
    None,
    None,
    None,
    None,
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says about one clip, cell by cell, as it is written there."""

    subject: str | int
    clip: str
    onset: int
    apex: int | str
    offset: int
    action_units: str | int
    label: str


def casme2_table(rows: Sequence[Row]) -> bytes:
    """Return ``CASME2-coding-20140508.xlsx``: header in the first row, two blank columns, two empty sheets."""
    book, sheet = _book("Sheet1")
    blank = None
    header = ("Subject", "Filename", blank, "OnsetFrame", "ApexFrame", "OffsetFrame", blank)
    sheet.append((*header, "Action Units", "Estimated Emotion"))
    for row in rows:
        frames = (row.onset, row.apex, row.offset)
        sheet.append((row.subject, row.clip, blank, *frames, blank, row.action_units, row.label))
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    return _saved(book)


def samm_table(rows: Sequence[Row]) -> bytes:
    """Return ``SAMM_Micro_FACS_Codes_v2.xlsx``: thirteen rows of notes, then the header.

    Durations are formulas, saved with their values.
    """
    book, sheet = _book("MICRO_ONLY")
    for note in _PREAMBLE:
        sheet.append((note,))
    header = ("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration")
    sheet.append((*header, "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"))
    for line, row in enumerate(rows, start=len(_PREAMBLE) + 2):
        inducement = int(row.clip.split("_")[1])
        frames = (row.onset, row.apex, row.offset, f"=SUM(F{line}-D{line})+1")
        sheet.append((row.subject, row.clip, inducement, *frames, "Micro - 1/2", row.action_units, row.label, 7, None))
    durations = {f"G{line}": row.offset - row.onset + 1 for line, row in enumerate(rows, start=len(_PREAMBLE) + 2)}
    return _saved(book, durations)


def mmew_table(rows: Sequence[Row]) -> bytes:
    """Return ``MMEW_Micro_Exp.xlsx``: header in the first row, subjects as numbers."""
    book, sheet = _book("Sheet1")
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame")
    sheet.append((*header, "Action Units", "Estimated Emotion", "remarks"))
    for row in rows:
        frames = (row.onset, row.apex, row.offset)
        sheet.append((row.subject, row.clip, *frames, row.action_units, row.label, None))
    return _saved(book)


def _book(sheet_name: str) -> tuple[Workbook, Worksheet]:
    book = Workbook()
    book.properties.title = SYNTHETIC_TITLE
    book.properties.creator = "mer_di"
    book.properties.description = _NOTICE
    sheet = book.worksheets[0]
    sheet.title = sheet_name
    return book, sheet


def _saved(book: Workbook, values: Mapping[str, int] = MappingProxyType({})) -> bytes:
    """Save without the time of saving, so that equal databases have equal tables, to the byte.

    Beside the formula of each cell named in values its value is saved, as spreadsheet programs do.
    """
    written, timeless = io.BytesIO(), io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(timeless, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2000-01-01T00:00:00Z", content)
            if values and name.startswith("xl/worksheets/"):
                content = re.sub(
                    rb'(<c r="(\w+)"[^>]*><f>[^<]*</f>)(?:<v ?/>|<v></v>)',
                    lambda cell: b"%s<v>%d</v>" % (cell[1], values[cell[2].decode()]),
                    content,
                )
            target.writestr(zipfile.ZipInfo(name), content)
    return timeless.getvalue()
