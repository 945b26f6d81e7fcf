"""The files of annotation tables, workbooks and delimited text, as sheets of rows, whatever else they hold."""

import csv
import io
import os
import re
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mer_di.errors import AnnotationError, DatasetNotFoundError

if TYPE_CHECKING:
    import openpyxl
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
OTHER_SUFFIXES = (
    ".xls",
    ".xlsb",
    ".ods",
)  # python-calamine would read .xlsx too, but gives errors and formulas as blanks
LARGEST_TABLE = 16 * 2**20  # bytes of text, unpacked: some hundred times what the field's tables have
_MOST_CELLS = 2_000_000  # that are walked to, an empty row as one
_MOST_ROWS = 2**20  # of a spreadsheet's grid
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_ROW_NUMBER = re.compile(rb"<(?:\w+:)?row\b[^>]*?\sr=[\"'](-?[0-9]{1,18})[\"']")
_SHOWN = 40  # characters of a cell, in a message
_EXCEL_97 = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of a workbook that has a password

Cells = Sequence[object]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet, or of a text under one delimiter.

    Attributes
    ----------
    name : str
        For messages.
    lines : sequence of (int, sequence of object)
        The rows that are not blank, each with its number as a spreadsheet or an editor shows it.
    delimiter : str
        Empty for a workbook's sheet.
    problem : str
        Why a text could be read no further; empty if it was read to its end.
    """

    name: str
    lines: Sequence[tuple[int, Cells]]
    delimiter: str = ""
    problem: str = ""


def cell_text(cell: object) -> str:
    """Return a cell as text without surrounding space; a whole number has no decimal point, a blank is empty."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def shortened(text: str, longest: int = _SHOWN) -> str:
    """Return a text for a message: of a long one the beginning, and of an unprintable one its escapes."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= longest else f"{shown[:longest]}… ({len(text)} characters)"


def reads_others() -> bool:
    """Whether the package is installed that reads `OTHER_SUFFIXES`."""
    return find_spec("python_calamine") is not None


def readable() -> tuple[str, ...]:
    """Return the suffixes of the tables that can be read here."""
    return (*SUFFIXES, *OTHER_SUFFIXES) if reads_others() else SUFFIXES


def read_content(path: Path) -> bytes:
    """Return the bytes of a table's file.

    Raises
    ------
    DatasetNotFoundError
        If it cannot be opened.
    AnnotationError
        If it is no file, of another format, or larger than any table is.
    """
    if path.suffix.casefold() in OTHER_SUFFIXES:
        if not reads_others():
            raise AnnotationError(
                f"{path} needs the package python-calamine: pip install 'mer_di[tables]'. Or save it anew as .xlsx or "
                ".csv."
            )
    elif path.suffix.casefold() not in SUFFIXES:
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


def read_sheets(path: Path, content: bytes) -> tuple[list[Sheet], str]:
    """Return the sheets of a workbook and its title; of a text, what it is under each delimiter.

    Formulas are taken by the value that was saved with them, and by their text where there is none. Of a workbook of
    `OTHER_SUFFIXES`, such formulas and cells that hold an error are blank.

    Raises
    ------
    AnnotationError
        If it is no workbook that can be read, unpacks to more than any table has, or is no UTF-8.
    """
    if path.suffix.casefold() in (".csv", ".tsv"):
        return _delimited(path, content), ""
    return _workbook(path, content)


def _workbook(path: Path, content: bytes) -> tuple[list[Sheet], str]:
    try:
        if path.suffix.casefold() in OTHER_SUFFIXES:
            return _unpanicked(path, content), ""
        # openpyxl warns of styles and validations that it will not keep; nothing is written back here.
        with warnings.catch_warnings(action="ignore"):
            return _saved(path, content)
    except AnnotationError:
        raise
    except Exception as error:  # what readers of archives, XML and cells raise over a foreign file is listed nowhere
        old = content.startswith(_EXCEL_97) and path.suffix.casefold() not in OTHER_SUFFIXES
        kind = "is of Excel 97 or has a password" if old else "is damaged, has a password, or is of another format"
        said = shortened(str(error) or type(error).__name__, 200)
        raise AnnotationError(
            f"{path} is not a readable workbook ({said}); it {kind}. Save it anew, as .csv for instance"
        ) from error


def _saved(path: Path, content: bytes) -> tuple[list[Sheet], str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _require_small(path, archive)
        parts = [archive.read(name) for name in archive.namelist() if "worksheets/" in name]
    if not all(map(_is_ordered, parts)):  # rows that stand after a later one would be passed over
        raise AnnotationError(f"{path} has rows in a wrong order; save it anew with a spreadsheet program")
    book = _opened(content, data_only=True)
    sheets = [Sheet(f"sheet {sheet.title!r}", _lines(path, sheet)) for sheet in book.worksheets]
    if any(b"<f" in part for part in parts):
        formulas = (_lines(path, sheet) for sheet in _opened(content, data_only=False).worksheets)
        sheets = [Sheet(sheet.name, _filled(sheet.lines, lines)) for sheet, lines in zip(sheets, formulas, strict=True)]
    return sheets, book.properties.title or ""


def _unpanicked(path: Path, content: bytes) -> list[Sheet]:
    """Read as `_other` does; over a damaged file python-calamine raises what is no Exception."""
    try:
        return _other(path, content)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError(str(error)) from error


def _other(path: Path, content: bytes) -> list[Sheet]:
    from python_calamine import load_workbook

    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _require_small(path, archive)
    book = load_workbook(io.BytesIO(content))
    sheets = []
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        if sheet.total_height * max(sheet.total_width, 1) > _MOST_CELLS:
            raise AnnotationError(_too_wide(path, name))
        rows = enumerate(map(_trimmed, sheet.to_python(skip_empty_area=False)), 1)
        sheets.append(Sheet(f"sheet {name!r}", [(number, cells) for number, cells in rows if cells]))
    return sheets


def _require_small(path: Path, archive: zipfile.ZipFile) -> None:
    if sum(entry.file_size for entry in archive.infolist()) > LARGEST_TABLE:
        raise AnnotationError(_too_large(path))


def _too_wide(path: Path, sheet: str) -> str:
    return (
        f"{path}, sheet {sheet!r} reaches over more than {_MOST_CELLS} cells; copy the table alone into a new workbook"
    )


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
            raise AnnotationError(_too_wide(path, sheet.title))
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


def _delimited(path: Path, content: bytes) -> list[Sheet]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path} is not UTF-8 ({error}); save it as CSV UTF-8") from error
    return [_parsed(text, name, delimiter) for name, delimiter in _DELIMITERS.items()]


def _parsed(text: str, name: str, delimiter: str) -> Sheet:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, Cells]] = []
    begin = 1
    try:
        for cells in islice(reader, _MOST_ROWS):
            if any(cell.strip() for cell in cells):
                lines.append((begin, cells))
            begin = reader.line_num + 1
        if next(reader, None) is not None:
            return Sheet(name, lines, delimiter, f"it has more than {_MOST_ROWS} rows; is it the right file?")
    except csv.Error as error:
        problem = (
            f"the row that begins in line {begin} cannot be read ({error}, line {reader.line_num}); look there for a "
            "stray or unclosed quote"
        )
        return Sheet(name, lines, delimiter, problem)
    return Sheet(name, lines, delimiter)
