"""Spreadsheets as rows of named cells: the header row is searched for, and columns are taken by name."""

import csv
import hashlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from mer_di.errors import AnnotationError, DatasetNotFoundError

if TYPE_CHECKING:
    import openpyxl

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")  # what 64 bits hold

Grid = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a reader asks for.

    Attributes
    ----------
    name : str
        Its name in `Row.cells`.
    headers : tuple of str
        Header texts that mean it; compared by letters and digits only, case-blind.
    required : bool
        Whether a table without it is refused.
    """

    name: str
    headers: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header that is not blank.

    Attributes
    ----------
    where : str
        File, sheet and row number (1-based, as a spreadsheet shows it), for messages.
    cells : mapping of str to object
        Cell by column name; None for a blank cell and for a column that the table lacks.
    """

    where: str
    cells: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a cell as text without surrounding space; a whole number has no decimal point."""
        return cell_text(self.cells[name])

    def required_text(self, name: str) -> str:
        """Return a cell as text.

        Raises
        ------
        AnnotationError
            If the cell is blank.
        """
        text = self.text(name)
        if not text:
            filled = {column: cell_text(cell) for column, cell in self.cells.items() if cell is not None}
            raise AnnotationError(
                f"{self.where}: the cell {name!r} is blank, the row holds {filled}; fill the cell or delete the row"
            )
        return text


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    sha256 : str
        Hexadecimal digest of the file's bytes.
    rows : tuple of Row
        Rows in the file's order.
    ignored_sheets : tuple of str
        Further sheets that hold such a table too and were not read.
    title : str
        The workbook's title property; empty without one.
    """

    path: Path
    sha256: str
    rows: tuple[Row, ...]
    ignored_sheets: tuple[str, ...] = ()
    title: str = ""


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """Read the first sheet of a workbook, or the CSV file, that has the asked-for columns.

    The header is the first row that names all required columns, wherever it stands; other columns, blank
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
        If it is no such table, a column is missing or there twice, or a row is longer than the header.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetNotFoundError(f"the annotation table {path} cannot be read: {error.strerror}") from error
    grids, title = _grids(path, content)
    headers = {sheet: header for sheet, grid in grids.items() if (header := _header(path, sheet, grid, columns))}
    if not headers:
        raise AnnotationError(_no_header(path, grids, columns))
    sheet, *ignored = headers
    if sheet in _DELIMITERS:
        _require_well_formed(path, content, sheet)
    start, positions = headers[sheet]
    rows = tuple(_rows(f"{path.name}, {sheet}", grids[sheet], start, positions))
    return Table(path, hashlib.sha256(content).hexdigest(), rows, tuple(ignored), title)


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


def _grids(path: Path, content: bytes) -> tuple[dict[str, Grid], str]:
    """Return the sheets, or a text as under each delimiter, and the workbook's title."""
    if path.suffix.casefold() not in SUFFIXES:
        raise AnnotationError(
            f"{path} is no table that can be read; expected one of {', '.join(SUFFIXES)}. Save it as one of these."
        )
    if path.suffix.casefold() in (".csv", ".tsv"):
        return _delimited(path, content), ""
    book = _workbook(path, content)
    sheets: dict[str, Grid] = {
        f"sheet {sheet.title!r}": list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets
    }
    return sheets, book.properties.title or ""


def _workbook(path: Path, content: bytes) -> "openpyxl.Workbook":
    import openpyxl  # a third of a second, for nothing where the table is text

    try:
        # Not read_only: that mode trusts the size written in the file and cuts off rows where it is wrong.
        # openpyxl warns of styles and validations that it will not keep; nothing is written back here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except (zipfile.BadZipFile, zlib.error, ParseError, EOFError, KeyError, TypeError, ValueError) as error:
        raise AnnotationError(
            f"{path} is not a readable workbook ({error}): damaged, protected by a password, or of another format. "
            "Save it anew as .xlsx or .csv."
        ) from error


def _delimited(path: Path, content: bytes) -> dict[str, Grid]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path} is not UTF-8 ({error}); save it as CSV UTF-8") from error
    grids: dict[str, Grid] = {}
    for name, delimiter in _DELIMITERS.items():
        with suppress(csv.Error):  # under a wrong delimiter a sound file may look broken
            grids[name] = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    return grids


def _require_well_formed(path: Path, content: bytes, delimiter: str) -> None:
    """Refuse an unclosed quote: read tolerantly, it swallows the rest of the file without a word."""
    lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    try:
        for _ in csv.reader(lines, delimiter=_DELIMITERS[delimiter], strict=True):
            pass
    except csv.Error as error:
        raise AnnotationError(f"{path} is not well-formed CSV ({error}); look for a stray quote") from error


def _header(path: Path, sheet: str, grid: Grid, columns: Sequence[Column]) -> tuple[int, dict[str, int | None]] | None:
    for index, cells in enumerate(grid):
        found = _matches(cells, columns)
        if any(column.required and not found[column.name] for column in columns):
            continue
        for name, positions in found.items():
            if len(positions) > 1:
                texts = ", ".join(repr(cells[position]) for position in positions)
                raise AnnotationError(
                    f"{path}, {sheet}, row {index + 1}: the columns {texts} all mean {name!r}; keep one of them"
                )
        return index, {name: positions[0] if positions else None for name, positions in found.items()}
    return None


def _matches(cells: Sequence[object], columns: Sequence[Column]) -> dict[str, list[int]]:
    names = [plain(cell_text(cell)) for cell in cells]
    wanted = {column.name: {plain(header) for header in column.headers} for column in columns}
    return {
        name: [position for position, text in enumerate(names) if text in headers] for name, headers in wanted.items()
    }


def _rows(where: str, grid: Grid, start: int, positions: Mapping[str, int | None]) -> Iterator[Row]:
    width = len(grid[start])
    for number, cells in enumerate(grid[start + 1 :], start + 2):
        if any(cell_text(cell) for cell in cells[width:]):
            raise AnnotationError(
                f"{where}, row {number}: {len(cells)} cells under a header of {width}; a comma inside a cell has to be "
                f"quoted. The row holds {', '.join(map(cell_text, cells))}"
            )
        row = {name: None if position is None else _cell(cells, position) for name, position in positions.items()}
        if any(cell is not None for cell in row.values()):
            yield Row(f"{where}, row {number}", row)


def _cell(cells: Sequence[object], position: int) -> object:
    cell = cells[position] if position < len(cells) else None
    return cell if cell_text(cell) else None


def _no_header(path: Path, grids: Mapping[str, Grid], columns: Sequence[Column]) -> str:
    rows = [(sheet, number, cells) for sheet, grid in grids.items() for number, cells in enumerate(grid, 1)]
    expected = ", ".join(column.headers[0] for column in columns if column.required)
    if not rows:
        return f"{path} is empty; expected a table with the columns {expected}"

    def lacking(cells: Sequence[object]) -> list[str]:
        found = _matches(cells, columns)
        return [column.headers[0] for column in columns if column.required and not found[column.name]]

    sheet, number, nearest = min(rows, key=lambda row: len(lacking(row[2])))
    found = ", ".join(text for cell in nearest if (text := cell_text(cell))) or "nothing"
    sheets = "" if "comma" in grids else f" (it has: {', '.join(grids)})"
    return (
        f"{path} has no row with the columns {expected}{sheets}. Nearest is row {number} ({sheet}): {found}; "
        f"missing: {', '.join(lacking(nearest))}. Is this the right table? Name another with --table."
    )
