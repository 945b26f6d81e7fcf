#!/usr/bin/env bash
# python-calamine reads cells that hold an error, and formulas nobody has computed, as if nothing stood there.
#
# With python-calamine 0.9.1, openpyxl 3.1.5, pandas 3.1.1; Python 3.11, x86-64; seen 2026-11-28.
# Expected: #N/A is told from a cell that was left empty, as openpyxl tells them apart.
# Seen:     both are ''. A formula without a saved value, as openpyxl writes it, is '' too, and there is
#           no call that gives its text. pandas.read_excel(engine="calamine") makes NaN of all three.
# Matters:  an empty apex is a choice of the annotators, #N/A a slip of a spreadsheet, and a formula a number that is yet
#           to be computed: who fills in the first by a rule fills in the others as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check python-calamine==0.9.1 openpyxl==3.1.5 pandas==3.1.1
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import openpyxl
import pandas as pd
from python_calamine import CalamineWorkbook

FILE = f"{sys.argv[1]}/table.xlsx"
book = openpyxl.Workbook()
for row in (("clip", "apex"), ("number", 12), ("empty", None), ("error", "#N/A"), ("formula", "=B2+1")):
    book.active.append(row)
book.save(FILE)

calamine = CalamineWorkbook.from_path(FILE).get_sheet_by_index(0).to_python()[1:]
values, texts = (
    list(openpyxl.load_workbook(FILE, data_only=saved).active.values)[1:] for saved in (True, False)
)
frames = pd.read_excel(FILE, engine="calamine")
for (name, cell), (_, value), (_, text) in zip(calamine, values, texts):
    print(f"{name}: calamine {cell!r}, openpyxl {value!r}, as text {text!r}")
print(f"pandas with calamine: {frames.apex.tolist()}")
assert [cell for _, cell in calamine] == [12.0, "", "", ""], "calamine tells them apart now"
assert [text for _, text in texts] == [12, None, "#N/A", "=B2+1"], "openpyxl no longer does"
assert frames.apex.isna().tolist() == [False, True, True, True], "pandas tells them apart now"
PYTHON
