"""What the annotation tables of all layouts have in common: rows, and workbooks that say that they are drawn."""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from mer_di.origin import SYNTHETIC_TITLE

NOTICE: Final = "SYNTHETIC: drawn by mer_di. Nobody's face, nobody's annotation; only the layout is the database's."


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says about one clip, cell by cell, as it is written there."""

    subject: str | int
    clip: str
    onset: int
    apex: int | str | None
    offset: int
    action_units: str | int
    label: str


def book(sheet_name: str) -> tuple[Workbook, Worksheet]:
    """Return a workbook that says of itself that it is drawn, and its first sheet."""
    workbook = Workbook()
    workbook.properties.title = SYNTHETIC_TITLE
    workbook.properties.creator = "mer_di"
    workbook.properties.description = NOTICE
    sheet = workbook.worksheets[0]
    sheet.title = sheet_name
    return workbook, sheet


def saved(workbook: Workbook, values: Mapping[str, int] = MappingProxyType({})) -> bytes:
    """Save without the time of saving, so that equal databases have equal tables, to the byte.

    Beside the formula of each cell named in values its value is saved, as spreadsheet programs do.
    """
    written, timeless = io.BytesIO(), io.BytesIO()
    workbook.save(written)
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
