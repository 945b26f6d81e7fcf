"""Spreadsheets as rows of named cells: the header row is searched for, and columns are taken by name."""

import csv
import hashlib
import io
import os
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mer_di.datasets.columns import Column
from mer_di.errors import AnnotationError, DatasetNotFoundError

if TYPE_CHECKING:
    import openpyxl
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
LARGEST_TABLE = 16 * 2**20  # bytes of text, unpacked: some hundred times what the field's tables have
_MOST_CELLS = 2_000_000  # that are walked to, an empty row as one
_MOST_ROWS = 2**20  # of a spreadsheet's grid
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")  # what 64 bits hold
_ROW_NUMBER = re.compile(rb"<(?:\w+:)?row\b[^>]*?\sr=[\"'](-?[0-9]{1,18})[\"']")
_EXCEL_97 = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of a workbook that has a password
_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")

Cells = Sequence[object]


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
            If the cell is blank, or holds an error or a formula without a saved value.
        """
        text = self.text(name)
        if not text:
            filled = {column: cell_text(cell) for column, cell in self.cells.items() if cell is not None}
            raise AnnotationError(
                f"{self.where}: the cell {name!r} is blank, the row holds {filled}; fill the cell or delete the row"
            )
        if text in _ERRORS:
            raise AnnotationError(f"{self.where}: the cell {name!r} holds the error {text}; mend it in the spreadsheet")
        if text.startswith("="):
            raise AnnotationError(
                f"{self.where}: the cell {name!r} holds the formula {text!r} and no value; open the table in a "
                "spreadsheet program and save it, which computes the value"
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
class _Sheet:
    """The rows of a sheet that are not blank, with their numbers; of a text, under one delimiter."""

    name: str
    lines: Sequence[tuple[int, Cells]]
    delimiter: str = ""
    problem: str = ""  # why a text could be read no further than this


@dataclass(frozen=True, slots=True)
class _Header:
    line: int  # index among the lines
    positions: Mapping[str, int]


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """Read the rows below the header that has the wanted columns.

    The header is the first row with all required columns, wherever it stands; other columns, blank
    ones included, are ignored. Formulas are taken by the value that was saved with them.

    Parameters
    ----------
    path : pathlib.Path
        ``.xlsx`` or ``.xlsm``; ``.csv`` or ``.tsv`` in UTF-8, separated by comma, semicolon or tab.
    columns : sequence of Column
        What to look for.

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
    content = _content(path)
    sheets, title = _sheets(path, content)
    headers = [(sheet, header) for sheet in sheets if (header := _header(path, sheet, columns))]
    if not headers:
        raise AnnotationError(_no_header(path, sheets, columns))
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


def cell_text(cell: object) -> str:
    """Return a cell as text without surrounding space; a whole number has no decimal point, a blank is empty."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def frame_number(cell: object) -> int | None:
    """Return the integer in a cell (``46``, ``46.0``, ``"46"``), or None if it holds none (``/``, blank, NaN)."""
    text = cell_text(cell)
    return int(text.partition(".")[0]) if _NUMBER.fullmatch(text) else None


def plain(text: str) -> str:
    """Reduce a name to lower-case letters and digits, so that ``Onset Frame`` equals ``OnsetFrame``."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _content(path: Path) -> bytes:
    if path.suffix.casefold() not in SUFFIXES:
        raise AnnotationError(
            f"{path} is no table that can be read; expected one of {', '.join(SUFFIXES)}. Save it as one of these."
        )
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - of a name that none can have: no
        raise AnnotationError(f"{path} is no file; expected a table, one of {', '.join(SUFFIXES)}")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_TABLE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatasetNotFoundError(f"the annotation table {path} cannot be read: {reason}") from error
    if len(content) > LARGEST_TABLE:
        raise AnnotationError(_too_large(path))
    return content


def _too_large(path: Path) -> str:
    return (
        f"{path} holds more than {LARGEST_TABLE} bytes of text; no annotation table is as large. Is it the right file?"
    )


def _sheets(path: Path, content: bytes) -> tuple[list[_Sheet], str]:
    """Return the sheets, or a text as under each delimiter, and the workbook's title."""
    if path.suffix.casefold() in (".csv", ".tsv"):
        return _delimited(path, content), ""
    return _workbook(path, content)


def _workbook(path: Path, content: bytes) -> tuple[list[_Sheet], str]:
    try:
        # openpyxl warns of styles and validations that it will not keep; nothing is written back here.
        with warnings.catch_warnings(action="ignore"):
            return _saved(path, content)
    except AnnotationError:
        raise
    except Exception as error:  # what readers of archives, XML and cells raise over a foreign file is listed nowhere
        old = content.startswith(_EXCEL_97)
        kind = "is of Excel 97 or has a password" if old else "is damaged, has a password, or is of another format"
        raise AnnotationError(
            f"{path} is not a readable workbook ({str(error) or type(error).__name__}); it {kind}. Save it anew as "
            ".xlsx or .csv."
        ) from error


def _saved(path: Path, content: bytes) -> tuple[list[_Sheet], str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_TABLE:
            raise AnnotationError(_too_large(path))
        parts = [archive.read(name) for name in archive.namelist() if "worksheets/" in name]
    if not all(map(_is_ordered, parts)):  # rows that stand after a later one would be passed over
        raise AnnotationError(f"{path} has rows in a wrong order; save it anew with a spreadsheet program")
    book = _opened(content, data_only=True)
    sheets = [_Sheet(f"sheet {sheet.title!r}", _lines(path, sheet)) for sheet in book.worksheets]
    if any(b"<f" in part for part in parts):
        formulas = (_lines(path, sheet) for sheet in _opened(content, data_only=False).worksheets)
        sheets = [
            _Sheet(sheet.name, _filled(sheet.lines, lines)) for sheet, lines in zip(sheets, formulas, strict=True)
        ]
    return sheets, book.properties.title or ""


def _is_ordered(part: bytes) -> bool:
    numbers = [int(number) for number in _ROW_NUMBER.findall(part)]
    return all(former < later for former, later in pairwise(numbers))


def _opened(content: bytes, *, data_only: bool) -> "openpyxl.Workbook":
    import openpyxl  # a third of a second, for nothing where the table is text

    return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=data_only)


def _lines(path: Path, sheet: "ReadOnlyWorksheet") -> list[tuple[int, Cells]]:
    sheet.reset_dimensions()  # the size that the file states cuts off rows where it is wrong
    lines: list[tuple[int, Cells]] = []
    walked = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):  # type: ignore[misc]
        walked += 1 + len(cells)
        if walked > _MOST_CELLS:
            raise AnnotationError(
                f"{path}, sheet {sheet.title!r} reaches over more than {_MOST_CELLS} cells; copy the table alone "
                "into a new workbook"
            )
        if filled := _trimmed(cells):
            lines.append((number, filled))
    return lines


def _filled(lines: Iterable[tuple[int, Cells]], formulas: Iterable[tuple[int, Cells]]) -> list[tuple[int, Cells]]:
    """Put the text of a formula where no value was saved with it."""
    values = dict(lines)
    merged: list[tuple[int, Cells]] = []
    for number, written in formulas:
        saved = values.get(number, ())
        cells = [
            saved[position] if position < len(saved) and saved[position] is not None else _formula(cell)
            for position, cell in enumerate(written)
        ]
        if any(cell is not None for cell in cells):
            merged.append((number, cells))
    return merged


def _formula(cell: object) -> str | None:
    text = getattr(cell, "text", cell)  # an array formula is an object
    return text if isinstance(text, str) and text.startswith("=") else None


def _trimmed(cells: Cells) -> Cells:
    width = max((position for position, cell in enumerate(cells, 1) if cell_text(cell)), default=0)
    return cells[:width]


def _delimited(path: Path, content: bytes) -> list[_Sheet]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path} is not UTF-8 ({error}); save it as CSV UTF-8") from error
    return [_parsed(text, name, delimiter) for name, delimiter in _DELIMITERS.items()]


def _parsed(text: str, name: str, delimiter: str) -> _Sheet:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, Cells]] = []
    begin = 1
    try:
        for cells in islice(reader, _MOST_ROWS):
            if any(cell.strip() for cell in cells):
                lines.append((begin, cells))
            begin = reader.line_num + 1
        if next(reader, None) is not None:
            return _Sheet(name, lines, delimiter, f"it has more than {_MOST_ROWS} rows; is it the right file?")
    except csv.Error as error:
        problem = (
            f"the row that begins in line {begin} cannot be read ({error}, line {reader.line_num}); look there for a "
            "stray or unclosed quote"
        )
        return _Sheet(name, lines, delimiter, problem)
    return _Sheet(name, lines, delimiter)


def _header(path: Path, sheet: _Sheet, columns: Sequence[Column]) -> _Header | None:
    meanings = _meanings(columns)
    required = {column.name for column in columns if column.required}
    for line, (number, cells) in enumerate(sheet.lines):
        found = _matches(cells, meanings)
        if not required <= found.keys():
            continue
        for name, positions in found.items():
            if len(positions) > 1:
                texts = ", ".join(repr(cells[position]) for position in positions)
                raise AnnotationError(
                    f"{path}, {sheet.name}, row {number}: the columns {texts} all mean {name!r}; keep one of them"
                )
        return _Header(line, {name: positions[0] for name, positions in found.items()})
    return None


def _meanings(columns: Sequence[Column]) -> dict[str, str]:
    return {plain(header): column.name for column in columns for header in column.headers}


def _matches(cells: Cells, meanings: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the positions of the cells that name a column, by the column's name."""
    found: dict[str, list[int]] = {}
    for position, cell in enumerate(cells):
        name = meanings.get(plain(cell_text(cell)))
        if name is not None:
            found.setdefault(name, []).append(position)
    return found


def _rows(path: Path, sheet: _Sheet, header: _Header) -> Iterator[Row]:
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
            f"holds {', '.join(map(cell_text, cells))}"
        )
    for cell in map(str, cells):
        if "\n" in cell and any(line.count(delimiter) >= width - 1 for line in cell.splitlines()):
            raise AnnotationError(
                f"{where}: one cell holds {len(cell.splitlines())} lines, and whole rows among them; look for a stray "
                f"quote. The cell begins with {cell.splitlines()[0]!r}"
            )


def _cell(cells: Cells, position: int) -> object:
    cell = cells[position] if position < len(cells) else None
    return cell if cell_text(cell) else None


def _no_header(path: Path, sheets: Sequence[_Sheet], columns: Sequence[Column]) -> str:
    if sheets and all(sheet.problem for sheet in sheets):
        return f"{path}: {sheets[0].problem}"
    required = {column.name: column.headers[0] for column in columns if column.required}
    expected = ", ".join(required.values())
    rows = [(sheet, number, cells) for sheet in sheets for number, cells in sheet.lines]
    if not rows:
        return f"{path} is empty; expected a table with the columns {expected}"

    meanings = _meanings(columns)

    def lacking(cells: Cells) -> list[str]:
        found = _matches(cells, meanings)
        return [header for name, header in required.items() if name not in found]

    sheet, number, nearest = min(rows, key=lambda row: len(lacking(row[2])))
    found = ", ".join(text for cell in nearest if (text := cell_text(cell)))
    others = "" if sheet.delimiter else f" (it has: {', '.join(sheet.name for sheet in sheets)})"
    return (
        f"{path} has no row with the columns {expected}{others}. Nearest is row {number} ({sheet.name}): {found}; "
        f"missing: {', '.join(lacking(nearest))}. Give the column that holds it this name; or, if this is not the "
        "right table, name that with --table."
    )
