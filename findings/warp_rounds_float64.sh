#!/usr/bin/env bash
# cv2.warpAffine, warpPerspective and remap round motions to 1/32 px for float64 pictures, and not for float32.
#
# With opencv-python-headless 5.0.0.93, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: float64 is warped at least as exactly as float32.
# Seen:     OpenCV 5 made bilinear warps exact for float32 and uint16; float64 and int16 still go the old way. A move of
#           0.015 px leaves a float64 picture unchanged, one of 0.02 px moves it by 1/32 px.
# Matters:  NumPy makes float64 by default; an aligned face is then off by up to 1/64 px, differently in every frame.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import cv2
import numpy as np

ramp = np.tile(np.arange(256.0), (64, 1))  # one level a pixel: what a pixel loses is how far it moved
y, x = np.mgrid[:64, :256].astype(np.float32)


def moved(kind, by):
    matrix = np.array([[1, 0, by], [0, 1, 0], [0, 0, 1]])
    picture = ramp.astype(kind)
    warped = {
        "warpAffine": cv2.warpAffine(picture, matrix[:2], (256, 64)),
        "warpPerspective": cv2.warpPerspective(picture, matrix, (256, 64)),
        "remap": cv2.remap(picture, x - np.float32(by), y, cv2.INTER_LINEAR),
    }
    return {name: float(picture[32, 100] - result[32, 100]) for name, result in warped.items()}


for by in (0.015, 0.02):
    for kind in (np.float32, np.float64):
        found = moved(kind, by)
        print(f"{by} px, {kind.__name__}: " + ", ".join(f"{name} {value:.5f}" for name, value in found.items()))
        expected = by if kind is np.float32 else round(by * 32) / 32
        assert np.allclose(list(found.values()), expected, atol=1e-4), "this has changed"
PYTHON
