#!/usr/bin/env bash
# numpy.genfromtxt(dtype=None) reads SAMM's clip names as numbers, and two different clips as the same one.
#
# With numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: 006_1_2 is a text, as pandas.read_csv reads it.
# Seen:     where every name of a column has that form, the column is of integers, and 006_1_2 is 612, as is 006_12:
#           Python's int and float take underscores between digits, and NumPy asks them. float("006_1_2") is 612.0.
# Matters:  SAMM names its clips subject_series_clip; names as numbers find no folder, or another subject's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import io

import numpy as np

table = "clip,apex\n006_1_2,12\n006_12,30\n"
read = np.genfromtxt(io.StringIO(table), delimiter=",", names=True, dtype=None, encoding="utf-8")
print(f"clips: {read['clip'].tolist()}; float('006_1_2') = {float('006_1_2')}")
assert read["clip"].tolist() == [612, 612], "they are told apart now"
PYTHON
