#!/usr/bin/env bash
# cv2.phaseCorrelate finds half a pixel of motion between a picture of 224x224 and itself.
#
# With opencv-python-headless 5.0.0.93 (and 4.10, 4.12, 4.13, 4.14), numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: (0, 0) for equal pictures, whatever their size.
# Seen:     (0.5, 0.5) at 223 to 225 px, (0, 0) at 226, 231 and 256 px. Pictures are padded to a size that is quick to
#           transform; where that is odd (225), the peak is counted from a centre between two pixels.
# Matters:  224 is the side of most networks' faces, and head motion is taken out of clips by such estimates.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import cv2
import numpy as np

for size in (223, 224, 225, 226, 231, 256):
    picture = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (size, size)), (0, 0), 2)
    (right, down), _ = cv2.phaseCorrelate(picture, picture)
    padded = cv2.getOptimalDFTSize(size)
    print(f"{size} px, padded to {padded}: moved by ({right:.3f}, {down:.3f})")
    off = 0.5 * (padded % 2)
    assert abs(right - off) < 0.01 and abs(down - off) < 0.01, "this has changed"
PYTHON
