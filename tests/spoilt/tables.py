"""Annotation tables whose cells, or bytes, are not what a table holds."""

import contextlib
import csv
import datetime
import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import strategies as st

import mer_di
from mer_di.building.plan import make_plan
from mer_di.inspection.doctor import examine
from mer_di.recipe import Recipe
from spoilt.damage import damage, own_words

PLAIN = Recipe(align="none", aspect="stretch", size=8)
WORDS = ("", " ", "/", "-", "nan", "inf", "-1", "0", "1", "5", "9", "1.0", "1.5", "1e3", "10" * 60, "９", "٣", "=1+1")
TEXTS = st.one_of(
    st.sampled_from(
        (*WORDS, "s1", "S01", "1,2", 'a"b', "a\nb", "#REF!", "happiness", "Others", "🙂", "\ufeff", "a" * 400)
    ),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12),
)
CELLS = st.one_of(
    TEXTS,
    st.none(),
    st.integers(-(10**20), 10**20),
    st.integers(0, 12),
    st.floats(),
    st.sampled_from((10**300, 1e308, True, datetime.datetime(2014, 1, 9), datetime.time(3), datetime.date(1999, 1, 1))),
)
HEADERS = (
    "subject",
    "clip",
    "path",
    "onset",
    "apex",
    "offset",
    "emotion",
    "action units",
    "fps",
    "Filename",
    "x",
    None,
)
GOOD = ("s1", "c1", "a", 1, 4, 9, "happiness", "AU12", 200)


@st.composite
def grids(draw: st.DrawFn, cells: st.SearchStrategy[Any] = CELLS) -> list[list[Any]]:
    """Draw the rows of a table that would be right, with some cells that are not."""
    header: list[Any] = list(HEADERS[: len(GOOD)])
    for _ in range(draw(st.integers(0, 2))):
        header[draw(st.integers(0, len(header) - 1))] = draw(st.sampled_from(HEADERS) | TEXTS)
    rows = [list(GOOD) for _ in range(draw(st.integers(0, 5)))]
    for number, row in enumerate(rows):
        row[1] = f"c{number}"
        for _ in range(draw(st.integers(0, 3))):
            row[draw(st.integers(0, len(row) - 1))] = draw(cells)
        del row[len(row) - draw(st.integers(0, 2)) :]
    before = draw(st.lists(st.lists(cells, max_size=4), max_size=2))
    return [*before, header, *rows]


def read_table(folder: Path, table: Path) -> None:
    """Read a table as a manifest and as a database's, plan it, and ask the doctor."""
    for name in ("manifest", "casme2", "samm", "mmew"):
        with own_words():
            database = mer_di.load_dataset(name, table if name == "manifest" else folder, table=table)
            make_plan(database, PLAIN)
            examine(database)


def read_csv(folder: Path, drawn: tuple[list[list[Any]], str, int, bytes]) -> None:
    """Write a grid as text, perhaps with bytes that are none, and read it."""
    rows, delimiter, place, bytes_ = drawn
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    content = text.getvalue().encode("utf-8", "surrogatepass")
    place = min(place, len(content))
    (folder / "manifest.csv").write_bytes(content[:place] + bytes_ + content[place:])
    read_table(folder, folder / "manifest.csv")


def read_workbook(folder: Path, drawn: tuple[list[list[Any]], list[tuple[int, int]]]) -> None:
    """Write a grid as a workbook, perhaps with damaged bytes, and read it."""
    rows, places = drawn
    book = openpyxl.Workbook()
    for row in rows:
        with contextlib.suppress(
            openpyxl.utils.exceptions.IllegalCharacterError, ValueError
        ):  # no workbook holds these
            book.active.append(row)
    book.save(folder / "manifest.xlsx")
    damage(folder / "manifest.xlsx", places)
    read_table(folder, folder / "manifest.xlsx")


def read_parts(folder: Path, drawn: tuple[str, str, str]) -> None:
    """Change the text of one part of a workbook, as no program would write it, and read it."""
    part, old, new = drawn
    with zipfile.ZipFile(io.BytesIO(_workbook())) as before, zipfile.ZipFile(folder / "manifest.xlsx", "w") as after:
        for name in before.namelist():
            content = before.read(name).decode()
            after.writestr(name, content.replace(old, new, 1) if name.endswith(part) else content)
    read_table(folder, folder / "manifest.xlsx")


@cache
def _workbook() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(HEADERS[: len(GOOD)])
    book.active.append(GOOD)
    book.save(file)
    return file.getvalue()


PARTS = (
    "sheet1.xml",
    "workbook.xml",
    "workbook.xml.rels",
    "styles.xml",
    "[Content_Types].xml",
    "core.xml",
    "strings.xml",
)
OLD = (
    'r="A1"',
    'r="1"',
    't="s"',
    't="n"',
    "<v>0</v>",
    "<v>1</v>",
    "<v>9</v>",
    "sheetData",
    "worksheet",
    "xmlns",
    "Id",
    "/",
    ">",
)
NEW = (
    'r="ZZZ1"',
    'r="XFD1048576"',
    'r="A0"',
    't="e"',
    't="d"',
    't="b"',
    "<v>x</v>",
    "<v>1e999</v>",
    "<v/>",
    "",
    "&",
    "<",
    '""',
)
