#!/usr/bin/env bash
# Farneback flow sees no motion at all in float pictures of 0..1, and motion between two equal pictures.
#
# With opencv-python-headless 5.0.0.93, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: pictures of 0..1 move as the same pictures of 0..255 do; nothing moves between a picture and itself.
# Seen:     a move of one pixel is read as 0.95 px in 0..255 and as less than 0.0001 px in 0..1, without a word;
#           a band at the border of two equal pictures moves by more than 0.1 px.
# Matters:  frames are often scaled to 0..1 before anything else, and a still face has to give zero.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import cv2
import numpy as np

SIZE = 224
wave = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE)))
noise = np.fft.fft2(np.random.default_rng(0).normal(size=(SIZE, SIZE)))
texture = noise * np.exp(-2 * (np.pi * wave * 3) ** 2)  # periodic, so that it can be moved exactly


def picture(move):
    moved = np.fft.ifft2(texture * np.exp(-2j * np.pi * move * np.fft.fftfreq(SIZE))).real
    return (128 + 40 * moved / np.fft.ifft2(texture).real.std()).astype(np.float32)


def flow(first, second):
    return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)


inner = np.s_[40:-40, 40:-40, 0]
full_range = flow(picture(0), picture(1))[inner].mean()
unit_range = np.abs(flow(picture(0) / 255, picture(1) / 255)).max()
itself = np.abs(flow(picture(0), picture(0))).max()
print(f"a move of 1 px: {full_range:.3f} px in 0..255, at most {unit_range:.1e} px in 0..1")
print(f"a picture and itself: up to {itself:.2f} px")
assert 0.9 < full_range < 1.1, "0..255 is no longer read rightly"
assert unit_range < 1e-4, "0..1 is read now"
assert itself > 0.1, "nothing moves between equal pictures now"
PYTHON
