"""Spreadsheets as rows of named cells: the header row is searched for, and columns are taken by name."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer_di.datasets.columns import Column
from mer_di.datasets.sheets import Cells, Sheet, cell_text, read_content, read_sheets, shortened
from mer_di.errors import AnnotationError

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")  # what 64 bits hold
_CELLS_SHOWN = 30  # of a row, in a message
_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header that is not blank.

    Attributes
    ----------
    where : str
        File, sheet and row number (1-based, as a spreadsheet shows it), for messages.
    cells : mapping of str to object
        Cell by name of a column that the table has; None for a blank cell. A formula without a saved value is its
        text.
    """

    where: str
    cells: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a cell as text without surrounding space; a whole number has no decimal point."""
        return cell_text(self.cells.get(name))

    def required_text(self, name: str) -> str:
        """Return a cell as text.

        Raises
        ------
        AnnotationError
            If the cell is blank, or holds an error, a formula without a saved value, or what a spreadsheet program
            made of a name: a date, a time, true or false.
        """
        text = self.text(name)
        if not text:
            filled = {column: shortened(cell_text(cell)) for column, cell in self.cells.items() if cell is not None}
            raise AnnotationError(
                f"{self.where}: the cell {name!r} is blank, the row holds {filled}; fill the cell (of merged cells "
                "only the first has the value), or delete the row if it is none of a clip"
            )
        if text in _ERRORS:
            raise AnnotationError(f"{self.where}: the cell {name!r} holds the error {text}; mend it in the spreadsheet")
        if text.startswith("="):
            raise AnnotationError(
                f"{self.where}: the cell {name!r} holds the formula '{shortened(text)}' and no value; open the table "
                "in a spreadsheet program and save it, which computes the value"
            )
        cell = self.cells[name]
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            raise AnnotationError(
                f"{self.where}: the cell {name!r} holds {text}, which is neither text nor a number: spreadsheet "
                "programs make a date of a name such as 1-2. Format the column as text, and type the name anew"
            )
        return text


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read.

    Attributes
    ----------
    path : pathlib.Path
    sha256 : str
        Hexadecimal digest of the file's bytes.
    rows : tuple of Row
        Its rows, blank ones left out.
    columns : tuple of str
        Names of the columns that it has, among those asked for.
    ignored_sheets : tuple of str
        Further sheets with the same header.
    title : str
        Title property of a workbook; empty for text.
    """

    path: Path
    sha256: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    ignored_sheets: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Header:
    line: int  # index among the lines
    positions: Mapping[str, int]


def read_table(path: Path, columns: Sequence[Column], *, option: str = "--table") -> Table:
    """Read the rows below the header that has the wanted columns.

    The header is the first row with all required columns, wherever it stands; other columns, blank
    ones included, are ignored. Under a row of groups (``FINAL`` above ``Onset`` and ``Offset``) a column is also known
    as ``FINAL Onset``, which comes before a mere ``Onset``. Formulas are taken by the value that was saved with them.

    Parameters
    ----------
    path : pathlib.Path
        ``.xlsx`` or ``.xlsm``; ``.csv`` or ``.tsv`` in UTF-8, separated by comma, semicolon or tab; with the extra
        ``tables``, ``.xls``, ``.xlsb`` and ``.ods``.
    columns : sequence of Column
        What to look for.
    option : str
        By which a command is told of another table, for messages.

    Returns
    -------
    Table

    Raises
    ------
    DatasetNotFoundError
        If the file cannot be opened.
    AnnotationError
        If it is no such table or larger than any is, a column is missing or there twice, or a row of a text is longer
        than the header.
    """
    content = read_content(path)
    sheets, title = read_sheets(path, content)
    headers = [(sheet, header) for sheet in sheets if (header := _header(path, sheet, columns))]
    if not headers:
        raise AnnotationError(_no_header(path, sheets, columns, option))
    (sheet, header), *ignored = headers
    if sheet.problem:
        raise AnnotationError(f"{path}: {sheet.problem}")
    return Table(
        path,
        hashlib.sha256(content).hexdigest(),
        tuple(_rows(path, sheet, header)),
        tuple(header.positions),
        () if sheet.delimiter else tuple(further.name for further, _ in ignored),
        title,
    )


def joined(tables: Sequence[Table]) -> Table:
    """Return several tables as one, whose digest is that of their digests; columns are those that all of them have."""
    first = tables[0]
    digest = hashlib.sha256("".join(table.sha256 for table in tables).encode()).hexdigest()
    columns = tuple(name for name in first.columns if all(name in table.columns for table in tables))
    return replace(first, sha256=digest, rows=tuple(row for table in tables for row in table.rows), columns=columns)


def frame_number(cell: object) -> int | None:
    """Return the integer in a cell (``46``, ``46.0``, ``"46"``), or None if it holds none (``/``, blank, NaN)."""
    text = cell_text(cell)
    return int(text.partition(".")[0]) if _NUMBER.fullmatch(text) else None


def plain(text: str) -> str:
    """Reduce a name to lower-case letters and digits, so that ``Onset Frame`` equals ``OnsetFrame``."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _header(path: Path, sheet: Sheet, columns: Sequence[Column]) -> _Header | None:
    meanings = _meanings(columns)
    required = {column.name for column in columns if column.required}
    for line, (number, cells) in enumerate(sheet.lines):
        found = _matches(cells, _above(sheet, line), meanings)
        if not required <= found.keys():
            continue
        for name, positions in found.items():
            if len(positions) > 1:
                texts = ", ".join(repr(cells[position]) for position in positions)
                raise AnnotationError(
                    f"{path}, {sheet.name}, row {number}: the columns {texts} all mean {name!r}, and which is meant is "
                    "not guessed; keep one of them, under the name that it has, and rename or delete the others (of "
                    "onset, apex and offset, keep the one that counts frames)"
                )
        return _Header(line, {name: positions[0] for name, positions in found.items()})
    return None


def _meanings(columns: Sequence[Column]) -> dict[str, str]:
    return {plain(header): column.name for column in columns for header in column.headers}


def _above(sheet: Sheet, line: int) -> Cells:
    """Return the row directly above a row; empty if that is blank."""
    before = sheet.lines[line - 1] if line else (-1, ())
    return before[1] if before[0] == sheet.lines[line][0] - 1 else ()


def _matches(cells: Cells, above: Cells, meanings: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the positions of the cells that name a column, by the column's name.

    A cell above stands over all columns up to the next one; merged with the blank cell below it, over that column.
    """
    alone: dict[str, list[int]] = {}
    grouped: dict[str, list[int]] = {}
    group = ""
    for position, cell in enumerate(cells):
        over = cell_text(above[position]) if position < len(above) else ""
        text = cell_text(cell)
        group = over or group
        for found, header in ((alone, text), (grouped, f"{group} {text}" if text else over)):
            if (name := meanings.get(plain(header))) is not None:
                found.setdefault(name, []).append(position)
    return alone | grouped


def _rows(path: Path, sheet: Sheet, header: _Header) -> Iterator[Row]:
    width = len(sheet.lines[header.line][1])
    for number, cells in sheet.lines[header.line + 1 :]:
        where = f"{path.name}, {sheet.name}, row {number}"
        if sheet.delimiter:
            _require_one_row(where, cells, width, sheet.delimiter)
        row = {name: _cell(cells, position) for name, position in header.positions.items()}
        if any(cell is not None for cell in row.values()):
            yield Row(where, row)


def _require_one_row(where: str, cells: Cells, width: int, delimiter: str) -> None:
    """Refuse a row of text whose columns have shifted, or that a pair of stray quotes made of several."""
    if any(cell_text(cell) for cell in cells[width:]):
        raise AnnotationError(
            f"{where}: {len(cells)} cells under a header of {width}; a comma inside a cell has to be quoted. The row "
            f"holds {_shown(cells)}"
        )
    for cell in map(str, cells):
        if "\n" in cell and any(line.count(delimiter) >= width - 1 for line in cell.splitlines()):
            raise AnnotationError(
                f"{where}: one cell holds {len(cell.splitlines())} lines, and whole rows among them; look for a stray "
                f"quote. The cell begins with '{shortened(cell.splitlines()[0])}'"
            )


def _cell(cells: Cells, position: int) -> object:
    cell = cells[position] if position < len(cells) else None
    return cell if cell_text(cell) else None


def _width(cells: Cells) -> int:
    return sum(bool(cell_text(cell)) for cell in cells)


def _shown(cells: Cells) -> str:
    texts = [shortened(text) for cell in cells if (text := cell_text(cell))]
    return ", ".join(texts[:_CELLS_SHOWN]) + (", …" if len(texts) > _CELLS_SHOWN else "")


def _no_header(path: Path, sheets: Sequence[Sheet], columns: Sequence[Column], option: str) -> str:
    if sheets and all(sheet.problem for sheet in sheets):
        return f"{path}: {sheets[0].problem}"
    required = {column.name: column.headers[0] for column in columns if column.required}
    expected = ", ".join(required.values())
    rows = [
        (sheet, number, cells, _above(sheet, line))
        for sheet in sheets
        for line, (number, cells) in enumerate(sheet.lines)
    ]
    if not rows:
        return f"{path} is empty; expected a table with the columns {expected}"

    meanings = _meanings(columns)

    def lacking(cells: Cells, above: Cells) -> list[str]:
        found = _matches(cells, above, meanings)
        return [header for name, header in required.items() if name not in found]

    sheet, number, nearest, above = min(rows, key=lambda row: (len(lacking(row[2], row[3])), -_width(row[2])))
    kinds = ", ".join(sheet.name for sheet in sheets)
    others = f" (as text separated by {kinds})" if sheet.delimiter else f" (it has: {kinds})"
    return (
        f"{path} has no row with the columns {expected}{others}. Nearest is row {number} ({sheet.name}): "
        f"{_shown(nearest)}; missing: {', '.join(lacking(nearest, above))}. Give the column that holds it this "
        f"name, in a row above the values; or, if this is not the right table, name that with {option}."
    )
