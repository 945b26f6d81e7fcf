#!/usr/bin/env bash
# The mean of a large float32 frame or clip is grey levels off once the function is compiled by Numba.
#
# With numba 0.68.1, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: frames.mean() is the same in NumPy and in a function under @numba.njit, up to the seventh digit.
# Seen:     Numba adds float32 values one after the other in float32, NumPy by pairs: a frame of 1920x1080 in colour is
#           3.3 levels off, 60 frames of 640x480 are 2.8, without fastmath or threads.
# Matters:  brightness is normalized by such means, and a micro-expression changes a face by a few levels.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numba==0.68.1 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import numba
import numpy as np


def mean(frames):
    return frames.mean()


compiled = numba.njit(mean)
random = np.random.default_rng(0)
for name, shape in (("frame of 1920x1080", (1080, 1920, 3)), ("60 frames of 640x480", (60, 480, 640))):
    frames = random.integers(100, 131, shape).astype(np.float32)
    exact = frames.mean(dtype=np.float64)
    off, numpys = abs(compiled(frames) - exact), abs(mean(frames) - exact)
    print(f"{name}: mean {exact:.4f}, Numba is off by {off:.4f}, NumPy by {numpys:.4f}")
    assert numpys < 0.001, "NumPy is off now"
    assert off > 1, "Numba adds otherwise now"
PYTHON
