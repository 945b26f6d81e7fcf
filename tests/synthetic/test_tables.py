import openpyxl
import pytest
from drawn_files import TABLES, read_csv, read_table, subject_id

from mer_di.synthetic import write_database

LABELS = {
    "casme2": {"happiness", "others", "disgust", "repression", "surprise", "fear", "sadness"},
    "samm": {"Anger", "Contempt", "Disgust", "Fear", "Happiness", "Other", "Sadness", "Surprise"},
    "mmew": {"happiness", "surprise", "disgust", "others", "fear", "sadness", "anger"},
}
HEADERS = {
    "casme2": [
        *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units"),
        "Estimated Emotion",
    ],
    "samm": [
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"),
        *("Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
    ],
    "mmew": [
        *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"),
        "remarks",
    ],
}


@pytest.mark.parametrize("layout", TABLES)
def test_tables(tmp_path, sketched, layout):
    root = write_database(tmp_path / "db", layout=layout, subjects=2)
    head, header, rows = read_table(root, layout)
    assert head == (13 if layout == "samm" else 0)
    assert header == HEADERS[layout]
    assert {row["estimatedemotion"] for row in rows} == LABELS[layout]
    truth = {(row["subject"], row["clip"]): row for row in read_csv(root / "ground_truth.csv")}
    assert len(rows) == len(truth)
    for row in rows:
        true = truth[subject_id(layout, row["subject"]), row["filename"]]
        assert [row["onsetframe"], row["apexframe"], row["offsetframe"]] == [
            int(true[name]) for name in ("onset", "apex", "offset")
        ]
        assert row["onsetframe"] < row["apexframe"] < row["offsetframe"]
        assert str(row["actionunits"]) == true["action_units"]
        assert row["estimatedemotion"].lower().rstrip("s") == true["emotion"].rstrip("s")
    units = {type(row["actionunits"]) for row in rows}
    assert units == {int, str}, "a single action unit is a number, as in the real tables"


def test_sheets_formulas_and_cell_types(tmp_path, sketched):
    books = {
        layout: openpyxl.load_workbook(write_database(tmp_path / layout, layout=layout, subjects=1) / TABLES[layout])
        for layout in TABLES
    }
    assert books["casme2"].sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert books["samm"].sheetnames == ["MICRO_ONLY"]
    assert books["casme2"]["Sheet1"]["A2"].value == "01"
    assert books["mmew"].worksheets[0]["A2"].value == 1
    sheet = books["samm"]["MICRO_ONLY"]
    assert [sheet.cell(15, column).value for column in (1, 7, 8)] == ["006", "=SUM(F15-D15)+1", "Micro - 1/2"]
    assert sheet.max_row == 14 + 8
    values = openpyxl.load_workbook(tmp_path / "samm" / TABLES["samm"], data_only=True)["MICRO_ONLY"]
    for onset, _, offset, duration in values.iter_rows(15, 14 + 8, 4, 7, values_only=True):
        assert duration == offset - onset + 1
    for book in books.values():
        assert "SYNTHETIC" in book.properties.description
    assert "SYNTHETIC" in sheet["A1"].value
