#!/usr/bin/env bash
# The presets of DIS flow see all of a shift of the whole picture and lose a third or more of a local motion.
#
# With opencv-python-headless 5.0.0.93, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: what is right for a shift of one pixel is about right for a smooth bump of one pixel (sigma 14 px).
# Seen:     the presets ULTRAFAST and FAST, which stop at a quarter and half of the resolution, recover all of the
#           shift and less than 0.8 of the bump; with setFinestScale(0) they recover more than 0.9 of it.
# Matters:  a brow or a lip corner is such a bump. A check on moved pictures does not find this out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import cv2
import numpy as np

SIZE = 224
y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
random = np.random.default_rng(0)
fine, coarse = (cv2.GaussianBlur(random.normal(size=(SIZE, SIZE)), (0, 0), sigma) for sigma in (1.5, 5))
face = (128 + 20 * fine / fine.std() + 30 * coarse / coarse.std()).clip(0, 255).astype(np.float32)
bump = np.exp(-((x - 112) ** 2 + (y - 112) ** 2) / (2 * 14**2)).astype(np.float32)


def recovered(preset, finest, motion):
    """Share of a motion to the right that the flow finds where the motion is above half of its peak."""
    dis = cv2.DISOpticalFlow_create(preset)
    if finest is not None:
        dis.setFinestScale(finest)
    moved = cv2.remap(face, x - motion, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    found = dis.calc(*(np.rint(picture).clip(0, 255).astype(np.uint8) for picture in (face, moved)), None)[..., 0]
    where = bump > 0.5
    return float((found * motion)[where].sum() / (motion**2)[where].sum())


for preset, name in ((cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST, "ULTRAFAST"), (cv2.DISOPTICAL_FLOW_PRESET_FAST, "FAST")):
    shift, local = recovered(preset, None, np.ones_like(bump)), recovered(preset, None, bump)
    finest = recovered(preset, 0, bump)
    print(f"{name}: {shift:.2f} of a shift, {local:.2f} of a local motion, {finest:.2f} with setFinestScale(0)")
    assert 0.9 < shift < 1.2, "a shift is no longer read rightly"
    assert local < 0.8, "the preset keeps local motions now"
    assert finest > 0.9, "the finest scale no longer helps"
PYTHON
