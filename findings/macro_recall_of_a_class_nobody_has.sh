#!/usr/bin/env bash
# scikit-learn gives two values for the unweighted average recall, and zero_division=nan moves the recall but not F1.
#
# With scikit-learn 1.9.1, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: recall_score(average="macro") and balanced_accuracy_score are the same thing (UAR), and zero_division=nan
#           leaves a class that nobody has out of macro recall and macro F1 alike.
# Seen:     with a class that was predicted once and that no sample has: macro recall 0.5, balanced accuracy 0.75,
#           macro recall with zero_division=nan 0.75, macro F1 0.556 with and without it. The recall of that class
#           is 0/0, but its F1 is 0/1.
# Matters:  a subject's fold (leave one subject out) hardly ever has all classes: UAR and UF1 of a fold are then
#           averages over different classes, and depend on which function was called.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import warnings

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

warnings.simplefilter("ignore")  # two of the four say that a class is missing
truth, predicted = [0, 0, 1, 1], [0, 0, 1, 2]
values = {
    "macro recall": recall_score(truth, predicted, average="macro"),
    "macro recall, nan": recall_score(truth, predicted, average="macro", zero_division=np.nan),
    "balanced accuracy": balanced_accuracy_score(truth, predicted),
    "macro F1": f1_score(truth, predicted, average="macro"),
    "macro F1, nan": f1_score(truth, predicted, average="macro", zero_division=np.nan),
}
print(", ".join(f"{name} {value:.3f}" for name, value in values.items()))
assert np.allclose(list(values.values()), [0.5, 0.75, 0.75, 5 / 9, 5 / 9]), "this has changed"
PYTHON
