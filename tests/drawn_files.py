"""The files of a drawn database, read as a stranger would, without the library's loaders."""

import csv

import openpyxl

TABLES = {
    "casme2": "CASME2-coding-20140508.xlsx",
    "samm": "SAMM_Micro_FACS_Codes_v2.xlsx",
    "mmew": "MMEW_Micro_Exp.xlsx",
}


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_table(root, layout):
    """Header row index, and rows as dicts of the cells that have a header."""
    sheet = openpyxl.load_workbook(root / TABLES[layout]).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    head = next(index for index, row in enumerate(rows) if "Filename" in row)
    names = [None if name is None else name.replace(" ", "").lower() for name in rows[head]]
    return head, rows[head], [dict(zip(names, row, strict=True)) for row in rows[head + 1 :]]


def jpegs(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg") if not path.name.startswith("."))


def subject_id(layout, cell):
    return {"casme2": "sub{}", "samm": "{}", "mmew": "S{:02}"}[layout].format(cell)
