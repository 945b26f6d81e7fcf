#!/usr/bin/env bash
# cv2.VideoWriter cuts the last row and column off frames of 231x231, with a lossless codec too, and says nothing.
#
# With opencv-python-headless 5.0.0.93, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: 231x231 frames come back, at least from FFV1, which has no need of even sizes; or the writer does not open.
# Seen:     the writer opens and takes the frames; 230x230 are in the file, equal to the rest of what was written.
# Matters:  231x231 is the size of MMEW's faces. A database turned into videos loses a row, and every landmark that was
#           found on the pictures has another frame of reference after a resize to 224.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import cv2
import numpy as np

frame = np.random.default_rng(0).integers(0, 256, (231, 231, 3)).astype(np.uint8)
file = f"{sys.argv[1]}/odd.mkv"
writer = cv2.VideoWriter(file, cv2.VideoWriter.fourcc(*"FFV1"), 25, (231, 231))
assert writer.isOpened(), "the writer refuses odd sizes now"
writer.write(frame)
writer.release()
found, back = cv2.VideoCapture(file).read()
print(f"written {frame.shape}, read {back.shape}")
assert back.shape == (230, 230, 3), "odd sizes are kept now"
assert (back == frame[:230, :230]).all(), "the rest is no longer kept as it was"
PYTHON
