#!/usr/bin/env bash
# safetensors.numpy 0.8.0 stores a transposed array in another order, without a word; 0.7.0 stored it rightly.
#
# With safetensors 0.8.0 and 0.7.0, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: what is loaded equals what was saved, or saving is refused, as safetensors.torch refuses it.
# Seen:     a picture turned from (H, W, 3) to (3, H, W) by transpose has the right shape, and its pixels in the order of
#           before: rows of mixed colours. The same for Fortran order. 0.7.0 is right. 0.8.0 says in its docstring that
#           arrays "need to be contiguous", which Fortran order is to NumPy as well (safetensors issue 825).
# Matters:  channels are moved to the front right before something is saved for a network. np.ascontiguousarray helps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 0.7.0 0.8.0; do
    "${PYTHON:-python3}" -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet --disable-pip-version-check "safetensors==$version" numpy==2.4.6
    "$work/$version/bin/python" - "$version" <<'PYTHON'
import sys

import numpy as np
from safetensors.numpy import load, save

picture = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
arrays = {
    "transposed": picture.transpose(2, 0, 1),
    "Fortran order": np.asfortranarray(picture),
    "made contiguous": np.ascontiguousarray(picture.transpose(2, 0, 1)),
}
same = {name: bool((load(save({"picture": array}))["picture"] == array).all()) for name, array in arrays.items()}
print(f"safetensors {sys.argv[1]}, same after saving and loading: {same}")
kept = sys.argv[1] == "0.7.0"
assert same == {"transposed": kept, "Fortran order": kept, "made contiguous": True}, "this has changed"
PYTHON
done
