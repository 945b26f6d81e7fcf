"""Workbooks and texts that are sound, odd, foreign or hostile."""

import datetime
import re
import sys
import zipfile
from types import SimpleNamespace

import pytest
from lookalikes import write_workbook
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference

from mer_di.datasets.columns import Column
from mer_di.datasets.sheets import LARGEST_TABLE, reads_others
from mer_di.datasets.table import frame_number, read_table
from mer_di.errors import AnnotationError

COLUMNS = (Column("clip", ("Filename",)), Column("onset", ("Onset",)), Column("note", ("Notes",), required=False))


def rows_of(path):
    return [tuple(row.text(name) for name in ("clip", "onset", "note")) for row in read_table(path, COLUMNS).rows]


def workbook(tmp_path, cells, change=None):
    """A workbook of two rows and some further cells, and its archive's entries changed."""
    path, changed = tmp_path / "t.xlsx", tmp_path / "changed.xlsx"
    book = Workbook()
    for line in (["Filename", "Onset", "Notes"], ["a", 1, "x"], ["b", 2, "y"]):
        book.active.append(line)
    for place, value in cells.items():
        book.active[place] = value
    book.save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content) if change and name.endswith("sheet1.xml") else content)
    return changed


def open_document(path, rows, repeated=1):
    """An .ods with one sheet; a date is a date, a number a number, what begins with = a formula without a value."""

    def cell(value):
        if isinstance(value, str) and value.startswith("="):
            return f'<table:table-cell table:formula="of:{value}"/>'
        kinds = {
            datetime.date: ("date", f'office:date-value="{value}"'),
            int: ("float", f'office:value="{value}"'),
            float: ("float", f'office:value="{value}"'),
        }
        kind, written = kinds.get(type(value), ("string", ""))
        return f'<table:table-cell office:value-type="{kind}" {written}><text:p>{value}</text:p></table:table-cell>'

    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    lines += f'<table:table-row table:number-rows-repeated="{repeated}"><table:table-cell/></table:table-row>'
    names = "".join(f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        kind = 'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"'
        space = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
        manifest = f"<manifest:manifest {space}><manifest:file-entry {kind}/></manifest:manifest>"
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet><table:table table:name='S'>{lines}"
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return path


OTHERS = pytest.mark.skipif(not reads_others(), reason="python-calamine is absent: pip install 'mer_di[tables]'")


@OTHERS
def test_an_open_document(tmp_path):
    lines = [["notes"], ["Filename", "Onset", "Notes"], ["001", 46, datetime.date(2024, 5, 6)], ["b", 46.5, "=1+1"]]
    table = read_table(open_document(tmp_path / "t.ods", lines, repeated=1_000_000), COLUMNS)
    assert [row.text("clip") for row in table.rows] == ["001", "b"]
    assert [frame_number(row.cells["onset"]) for row in table.rows] == [46, None]
    assert [row.cells["note"] for row in table.rows] == [datetime.date(2024, 5, 6), None]
    assert [row.where for row in table.rows] == ["t.ods, sheet 'S', row 3", "t.ods, sheet 'S', row 4"]


@OTHERS
@pytest.mark.parametrize("suffix", [".xls", ".xlsb", ".ods"])
def test_other_workbooks_are_known_by_what_they_hold(tmp_path, suffix):
    book = workbook(tmp_path, {})
    assert rows_of(book.rename(tmp_path / f"t{suffix}")) == [("a", "1", "x"), ("b", "2", "y")]


@OTHERS
@pytest.mark.parametrize("content", [b"", b"no workbook", b"\xd0\xcf\x11\xe0" + bytes(600), b"PK\x03\x04" + bytes(40)])
def test_what_is_no_other_workbook_is_refused(tmp_path, content):
    (tmp_path / "t.xls").write_bytes(content)
    with pytest.raises(AnnotationError, match=r"not a readable workbook.*Save it anew, as \.csv"):
        read_table(tmp_path / "t.xls", COLUMNS)


@OTHERS
def test_other_workbooks_of_any_size_are_refused_in_time(tmp_path):
    path = open_document(tmp_path / "t.ods", [["Filename", "Onset", "x" * (LARGEST_TABLE + 1)]])
    with pytest.raises(AnnotationError, match="no annotation table is as large"):
        read_table(path, COLUMNS)


def test_a_panic_of_the_other_reader_is_an_error_like_any(tmp_path, monkeypatch):
    panic = type("PanicException", (BaseException,), {})

    def load_workbook(file):
        raise panic("range start index 116 out of range")

    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: True)
    monkeypatch.setitem(sys.modules, "python_calamine", SimpleNamespace(load_workbook=load_workbook))
    (tmp_path / "t.xls").write_bytes(b"x")
    with pytest.raises(AnnotationError, match=r"not a readable workbook .range start index 116"):
        read_table(tmp_path / "t.xls", COLUMNS)


def test_without_the_package_for_other_workbooks_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: False)
    (tmp_path / "t.ods").write_bytes(b"x")
    with pytest.raises(AnnotationError, match=r"python-calamine: pip install 'mer_di\[tables\]'.*\.xlsx or \.csv"):
        read_table(tmp_path / "t.ods", COLUMNS)


@pytest.mark.parametrize("place", ["XFD1048576", "XFD2", "A1048576"])
def test_a_stray_cell_is_not_walked_to_and_shifts_nothing(tmp_path, place):
    rows = rows_of(workbook(tmp_path, {place: "stray"}))
    assert rows[:2] == [("a", "1", "x"), ("b", "2", "y")]
    assert len(rows) == 2 + (place == "A1048576")


def test_formulas_are_taken_by_their_saved_value_or_by_their_text(tmp_path):
    (tmp_path / "saved").mkdir()
    with_value = workbook(
        tmp_path / "saved", {"B2": "=1+2"}, lambda content: re.sub(rb"<v ?/>|<v></v>", b"<v>3</v>", content)
    )
    assert rows_of(with_value) == [("a", "3", "x"), ("b", "2", "y")]
    assert rows_of(workbook(tmp_path, {"B2": "=1+2", "A3": '="b"', "B3": "=2", "C3": "=A3"})) == [
        ("a", "=1+2", "x"),
        ('="b"', "=2", "=A3"),
    ]


@pytest.mark.parametrize("cell", ["=A1", "#N/A", "#REF!"])
def test_a_key_that_is_an_error_or_an_uncomputed_formula_is_refused(tmp_path, cell):
    row = read_table(workbook(tmp_path, {"A2": cell}), COLUMNS).rows[0]
    with pytest.raises(AnnotationError, match=r"row 2: the cell 'clip' holds the (error|formula)"):
        row.required_text("clip")


@pytest.mark.parametrize("value", [1e300, 10**300, True, datetime.datetime(2014, 5, 8), "#REF!", "=1+1"])
def test_cells_that_hold_no_frame_number_lose_their_row_only(tmp_path, value):
    rows = read_table(workbook(tmp_path, {"B2": value}), COLUMNS).rows
    assert [frame_number(row.cells["onset"]) for row in rows] == [None, 2]


def test_a_chart_sheet_beside_the_table(tmp_path):
    book = Workbook()
    for line in (["Filename", "Onset"], ["a", 1]):
        book.active.append(line)
    chart = BarChart()
    chart.add_data(Reference(book.active, min_col=2, min_row=1, max_row=2))
    book.create_chartsheet("first", 0).add_chart(chart)
    book.save(tmp_path / "t.xlsx")
    assert len(read_table(tmp_path / "t.xlsx", COLUMNS).rows) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.replace(b'<row r="3"', b'<row r="1"'), "wrong order"),
        (lambda content: content.replace(b'<row r="3"', b'<row r="99999999999"'), "more than 2000000 cells"),
        (lambda content: content.replace(b'r="B3"', b'r="ZZZZZZ3"'), "not a readable workbook"),
        (lambda content: content.replace(b"<v>2</v>", b"<v>" + b"1" * 5000 + b"</v>"), "not a readable workbook"),
        (lambda content: content.replace(b"<v>2</v>", b"<v>2"), "not a readable workbook"),
        (lambda content: content + b" " * LARGEST_TABLE, "bytes of text"),
    ],
)
def test_hostile_sheets_are_refused(tmp_path, change, message):
    with pytest.raises(AnnotationError, match=message):
        read_table(workbook(tmp_path, {}, change), COLUMNS)


@pytest.mark.parametrize(("local", "central", "value"), [(6, 8, 1), (8, 10, 1), (8, 10, 99)])
def test_encrypted_entries_and_unknown_compressions_are_refused(tmp_path, local, central, value):
    path = workbook(tmp_path, {})
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        for entry in re.finditer(re.escape(signature), bytes(content)):
            content[entry.start() + place] = value
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match="not a readable workbook"):
        read_table(path, COLUMNS)


def test_an_old_workbook_under_a_new_name_is_told(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2048))
    with pytest.raises(AnnotationError, match="is of Excel 97 or has a password"):
        read_table(tmp_path / "t.xlsx", COLUMNS)


def test_what_is_no_file_or_larger_than_a_table_is_not_read(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    for name in ("folder.csv", "endless.csv"):
        with pytest.raises(AnnotationError, match="is no file"):
            read_table(tmp_path / name, COLUMNS)
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(LARGEST_TABLE + 1)
    with pytest.raises(AnnotationError, match="bytes of text"):
        read_table(tmp_path / "large.csv", COLUMNS)


def test_a_wrong_dimension_in_the_file_cuts_no_rows(tmp_path):
    path, wrong = tmp_path / "t.xlsx", tmp_path / "wrong.xlsx"
    write_workbook(path, {"S": [["Filename", "Onset"], *([f"c{n}", n] for n in range(9))]})
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(wrong, "w") as out:
        for item in book.namelist():
            content = book.read(item)
            if item.endswith("sheet1.xml"):
                assert b'ref="A1:B10"' in content
                content = content.replace(b'ref="A1:B10"', b'ref="A1:B3"')
            out.writestr(item, content)
    assert len(read_table(wrong, COLUMNS).rows) == 9


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", b"not a zip", "not a readable workbook"),
        ("t.xlsx", b"", "not a readable workbook"),
        ("t.numbers", b"\xd0\xcf\x11\xe0", "no table that can be read"),
        ("t.csv", "Filename,Onset\né,1\n".encode("latin-1"), "not UTF-8"),
        ("t.csv", "Filename,Onset\na,1\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_foreign_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_table(tmp_path / name, COLUMNS)
    assert str(tmp_path / name) in str(caught.value)


def test_truncated_workbook_is_refused(tmp_path):
    write_workbook(tmp_path / "t.xlsx", {"S": [["Filename", "Onset"], ["a", 1]]})
    content = (tmp_path / "t.xlsx").read_bytes()
    for length in range(0, len(content), 499):
        (tmp_path / "cut.xlsx").write_bytes(content[:length])
        with pytest.raises(AnnotationError):
            read_table(tmp_path / "cut.xlsx", COLUMNS)
