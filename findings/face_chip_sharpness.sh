#!/usr/bin/env bash
# dlib.get_face_chip blurs a face that is 2.1 times its chip, and leaves one that is 1.95 times its chip sharp.
#
# With dlib-bin 20.0.1.post1, numpy 2.4.6, scipy 1.17.1; Python 3.11, x86-64; seen 2026-11-28.
# Expected: sharpness changes slowly with the size of the face.
# Seen:     below a factor of 2 the chip takes single bilinear samples, aliases included; above it the picture is halved
#           by a smoothing pyramid first. Fine texture loses a quarter of its contrast from one size to the next.
# Matters:  a subject who leans forward by some per cent changes the texture of all frames; subjects differ in it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check dlib-bin==20.0.1.post1 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - "$work" <<'PYTHON'
import dlib
import numpy as np
from scipy.ndimage import gaussian_filter

SIDE, CHIP = 1200, 150
noise = gaussian_filter(np.random.default_rng(0).normal(size=(SIDE, SIDE)), 1.2)
picture = (128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
ramp = np.tile(np.linspace(0, 255, SIDE), (SIDE, 1)).astype(np.uint8)[..., None].repeat(3, axis=2)
FACE = np.array([[0.70, 0.35], [0.58, 0.35], [0.30, 0.35], [0.42, 0.35], [0.50, 0.60]])  # eyes' corners, nose


def chip(image, size):
    points = dlib.points([dlib.point(*map(round, SIDE / 2 + size * (point - 0.5))) for point in FACE])
    face = dlib.full_object_detection(dlib.rectangle(300, 300, 900, 900), points)
    return dlib.get_face_chip(image, face, CHIP)[..., 0]


contrasts = {}
for size in (300, 325, 350, 375, 400, 425):
    row = chip(ramp, size)[CHIP // 2].astype(float)
    factor = (row[-1] - row[0]) / (CHIP - 1) * (SIDE - 1) / 255
    contrasts[round(factor, 2)] = contrast = chip(picture, size)[20:-20, 20:-20].std()
    print(f"face {factor:.2f} times its chip: standard deviation of its texture {contrast:.1f}")
sharp = [contrast for factor, contrast in contrasts.items() if factor < 2]
blurred = [contrast for factor, contrast in contrasts.items() if factor > 2.05]
assert max(sharp) < 1.05 * min(sharp) and max(blurred) < 1.05 * min(blurred), "contrast varies on one side of the step"
assert max(blurred) < 0.8 * min(sharp), "the step is gone"
PYTHON
