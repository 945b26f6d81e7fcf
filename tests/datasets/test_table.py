"""Spreadsheets as rows of named cells."""

import datetime
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalikes import write_workbook

from mer_di.datasets.columns import Column
from mer_di.datasets.table import frame_number, plain, read_table
from mer_di.errors import AnnotationError, DatasetNotFoundError

KEY = Column("clip", ("Filename",))
ONSET = Column("onset", ("OnsetFrame", "Onset"))
NOTE = Column("note", ("Notes",), required=False)
COLUMNS = (KEY, ONSET, NOTE)


def rows_of(path):
    return [tuple(row.text(name) for name in ("clip", "onset", "note")) for row in read_table(path, COLUMNS).rows]


def csv_file(tmp_path, text, *, encoding="utf-8", name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("cell", [46, 46.0, "46", " 46 ", "46.0", "46.", "046", "+46"])
def test_frame_cells_that_hold_a_number(cell):
    assert frame_number(cell) == 46


@pytest.mark.parametrize(
    "cell",
    [
        *(None, "", " ", "/", "?", "46.5", 46.5, float("nan"), float("inf"), "nan", "4_6", "4 6", "1e2", "46,0", "½"),
        *(True, datetime.datetime(2014, 5, 8)),
    ],
)
def test_frame_cells_that_hold_none(cell):
    assert frame_number(cell) is None


@given(st.integers(-(10**6), 10**6))
def test_any_integer_survives_every_way_of_writing_it(number):
    assert {frame_number(number), frame_number(float(number)), frame_number(f" {number}.0 ")} == {number}


@given(st.text("abcXYZ 12", min_size=1, max_size=12))
def test_header_names_do_not_depend_on_case_and_separators(name):
    assert plain(name.upper().replace(" ", "_")) == plain(name.lower().replace(" ", "-"))


@pytest.mark.parametrize("preamble", [0, 1, 13])
def test_header_is_found_wherever_it_stands(tmp_path, preamble):
    lines = [["SAMM"], ["Filename", "is explained here"], []][:preamble] + [[]] * (preamble - 3)
    write_workbook(
        tmp_path / "t.xlsx", {"S": [*lines, ["note", " FILENAME ", None, "Onset Frame"], ["x", "a", 7, 1.0]]}
    )
    (row,) = read_table(tmp_path / "t.xlsx", COLUMNS).rows
    assert (row.text("clip"), row.text("onset"), row.text("note")) == ("a", "1", "")
    assert row.where == f"t.xlsx, sheet 'S', row {len(lines) + 2}"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimited_text(tmp_path, delimiter, encoding, newline):
    lines = [["Filename", "OnsetFrame", "Notes"], ["a", "1", '"x;y,z\t"'], ["b", "/", "é"]]
    path = csv_file(tmp_path, newline.join(delimiter.join(line) for line in lines) + newline, encoding=encoding)
    assert rows_of(path) == [("a", "1", "x;y,z"), ("b", "/", "é")]


def test_blank_rows_are_nothing_and_other_columns_are_ignored(tmp_path):
    path = csv_file(tmp_path, "Filename,,Onset,Unnamed: 6\na,9,1,\n , ,,\n,,,stray\nb,9,2,9\n,,,\n")
    assert [row.text("clip") for row in read_table(path, COLUMNS).rows] == ["a", "b"]


def test_short_rows_are_filled_with_blanks(tmp_path):
    assert rows_of(csv_file(tmp_path, "Filename,Onset,Notes\na\n")) == [("a", "", "")]


def test_a_blank_key_is_refused_with_its_row(tmp_path):
    table = read_table(csv_file(tmp_path, "Filename,Onset\na,1\n,2\n"), COLUMNS)
    with pytest.raises(AnnotationError, match=r"t\.csv.*row 3: the cell 'clip' is blank.*'onset': '2'"):
        table.rows[1].required_text("clip")


@pytest.mark.parametrize("cell", [datetime.datetime(2024, 2, 1), datetime.time(1, 2), True])
def test_what_a_spreadsheet_made_of_a_name_is_refused(tmp_path, cell):
    write_workbook(tmp_path / "t.xlsx", {"S": [["Filename", "Onset"], [cell, 1]]})
    (row,) = read_table(tmp_path / "t.xlsx", COLUMNS).rows
    with pytest.raises(AnnotationError, match=r"row 2: the cell 'clip' holds .*neither text nor a number.*as text"):
        row.required_text("clip")


def test_a_text_under_another_separator_is_told_which_there_are(tmp_path):
    with pytest.raises(AnnotationError, match=r"\(as text separated by comma, semicolon, tab\). Nearest is row 1"):
        read_table(csv_file(tmp_path, "Filename|Onset\na|1\n"), COLUMNS)


def test_of_rows_that_lack_the_same_columns_the_fullest_is_the_nearest(tmp_path):
    write_workbook(tmp_path / "t.xlsx", {"S": [["notes"], ["\u6587\u4ef6", "\u8d77\u59cb", "x"], ["a", 1]]})
    with pytest.raises(AnnotationError, match="Nearest is row 2"):
        read_table(tmp_path / "t.xlsx", COLUMNS)


def test_an_unquoted_comma_does_not_shift_columns_silently(tmp_path):
    path = csv_file(tmp_path, "Filename,Notes,Onset\na,4,7,1\n")
    with pytest.raises(AnnotationError, match=r"row 2: 4 cells under a header of 3"):
        read_table(path, COLUMNS)


def test_an_unclosed_quote_does_not_swallow_rows(tmp_path):
    path = csv_file(tmp_path, 'Filename,Onset,Notes\na,1,"half\nb,2,\nc,3,\n')
    with pytest.raises(AnnotationError, match=r"row that begins in line 2 cannot be read .*quote"):
        read_table(path, COLUMNS)


@pytest.mark.parametrize(
    "lines",
    [
        ["Filename,Onset,Notes", '"a,1,x', "b,2,x", "c,3,x"],
        ['"Filename,Onset,Notes', "a,1,x", "b,2,x"],
        ["Filename,Onset,Notes", "a,1,x", '"b"b,2,x', "c,3,x"],
        ["Filename,Onset,Notes", f"a,1,{'x' * 200_000}", "b,2,x"],
    ],
)
def test_text_that_cannot_be_read_says_in_which_line(tmp_path, lines):
    line = next(n for n, text in enumerate(lines, 1) if '"' in text or len(text) > 1000)
    with pytest.raises(AnnotationError, match=rf"row that begins in line {line} cannot be read .*quote"):
        read_table(csv_file(tmp_path, "\n".join(lines)), COLUMNS)


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_a_pair_of_stray_quotes_swallows_no_rows(tmp_path, column):
    rows = [[f"c{n}", str(n), "x", "y"] for n in range(5)]
    rows[1][column] = '"' + rows[1][column]
    rows[3][column] += '"'
    text = "\n".join(",".join(row) for row in [["Filename", "Onset", "Notes", "more"], *rows])
    with pytest.raises(AnnotationError, match=r"row 3: one cell holds 3 lines, and whole rows among them"):
        read_table(csv_file(tmp_path, text), COLUMNS)


def test_a_note_of_two_lines_is_a_note(tmp_path):
    assert rows_of(csv_file(tmp_path, 'Filename,Onset,Notes\na,1,"two, or\nthree"\nb,2,\n')) == [
        ("a", "1", "two, or\nthree"),
        ("b", "2", ""),
    ]


def test_missing_column_lists_found_and_expected(tmp_path):
    write_workbook(tmp_path / "t.xlsx", {"A": [["Filename", "Apex"]], "B": [["x"]]})
    with pytest.raises(AnnotationError) as caught:
        read_table(tmp_path / "t.xlsx", COLUMNS)
    for part in (
        "Filename, OnsetFrame",
        "sheet 'A', sheet 'B'",
        "row 1",
        "Filename, Apex",
        "missing: OnsetFrame",
        "--table",
    ):
        assert part in str(caught.value)


def test_no_message_repeats_what_a_terminal_would_obey(tmp_path):
    for text in ("Filename,\x1b[2JOnset\na,1\n", f"Filename,Onset\na,1,\x1b{'x' * 999}\n"):
        with pytest.raises(AnnotationError) as caught:
            read_table(csv_file(tmp_path, text), COLUMNS)
        assert str(caught.value).isprintable()
        assert "\\x1b" in str(caught.value)
        assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_empty_table(tmp_path):
    with pytest.raises(AnnotationError, match="empty"):
        read_table(csv_file(tmp_path, ""), COLUMNS)


GROUPED = (Column("clip", ("Filename",)), Column("onset", ("FINAL Onset",)), Column("note", ("Notes", "FINAL Notes")))


@pytest.mark.parametrize(
    "lines",
    [
        ",Coder 1,FINAL,\nFilename,Onset,Onset,Notes\na,1,2,x\n",  # the group stands over two columns
        "Filename,Coder 1,FINAL,Notes\n,Onset,Onset,\na,1,2,x\n",  # names merged with the blank cell below
        ",Coder 1,FINAL,Also\nFilename,Onset,Onset,Notes\na,1,2,x\n",
    ],
)
def test_a_row_of_groups_above_the_header(tmp_path, lines):
    (row,) = read_table(csv_file(tmp_path, lines), GROUPED).rows
    assert (row.text("clip"), row.text("onset"), row.text("note")) == ("a", "2", "x")


def test_what_stands_in_a_group_comes_before_what_stands_alone(tmp_path):
    text = "Coder 1,,FINAL,,\nFilename,Notes,Onset,Notes,\na,no,2,yes,\n"
    (row,) = read_table(csv_file(tmp_path, text), GROUPED).rows
    assert row.text("note") == "yes"


def test_a_group_without_its_column_is_no_header(tmp_path):
    with pytest.raises(AnnotationError, match="missing: FINAL Onset"):
        read_table(csv_file(tmp_path, ",Coder 1,FINAL\nFilename,Onset,Notes\na,1,x\n"), GROUPED)


def test_two_columns_of_one_meaning_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match=r"'Onset', 'OnsetFrame' all mean 'onset'.*not guessed.*counts frames"):
        read_table(csv_file(tmp_path, "Filename,Onset,OnsetFrame\na,1,2\n"), COLUMNS)


def test_first_sheet_with_the_header_is_read_and_others_are_named(tmp_path):
    header = ["Filename", "Onset"]
    write_workbook(tmp_path / "t.xlsx", {"Readme": [["hi"]], "One": [header, ["a", 1]], "Two": [header, ["b", 2]]})
    table = read_table(tmp_path / "t.xlsx", COLUMNS)
    assert [row.text("clip") for row in table.rows] == ["a"]
    assert table.ignored_sheets == ("sheet 'Two'",)


def test_digest_is_of_the_files_bytes(tmp_path):
    path = csv_file(tmp_path, "Filename,Onset\na,1\n")
    assert read_table(path, COLUMNS).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_absent_table(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"gone\.xlsx cannot be read"):
        read_table(tmp_path / "gone.xlsx", COLUMNS)
