#!/usr/bin/env bash
# dlib.load_rgb_image reads other colours from a JPEG than OpenCV and Pillow do, by more than ten levels at edges.
#
# With dlib-bin 20.0.1.post1, opencv-python-headless 5.0.0.93, pillow 13.0.0, numpy 2.4.6; Python 3.11, x86-64; seen
# 2026-11-28.
# Expected: three decoders of the libjpeg family give the same pixels of a baseline JPEG.
# Seen:     OpenCV and Pillow agree to the bit. dlib agrees too where colour has full resolution (4:4:4), and differs
#           where it has half (4:2:0, the habit of cameras): the library that it carries enlarges colour otherwise.
#           Its load_grayscale_image takes the mean of red, green and blue: 3 levels off the usual luma on average.
# Matters:  a micro-expression is a change of a few levels: frames of one clip must not come from two readers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    dlib-bin==20.0.1.post1 opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6 scikit-image==0.26.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import cv2
import dlib
import numpy as np
from PIL import Image
from skimage import data

face = data.astronaut()[:224, 112:336]  # public domain (NASA)
for name, sampling in (("4:4:4", 0), ("4:2:0", 2)):
    file = f"{sys.argv[1]}/face.jpg"
    Image.fromarray(face).save(file, quality=95, subsampling=sampling)
    opencv = cv2.imread(file)[..., ::-1].astype(int)
    pillow, theirs = np.asarray(Image.open(file)).astype(int), dlib.load_rgb_image(file).astype(int)
    largest = np.abs(theirs - opencv).max()
    print(f"{name}: Pillow and OpenCV differ by {np.abs(pillow - opencv).max()}, dlib and OpenCV by up to {largest}")
    assert (pillow == opencv).all(), "Pillow and OpenCV differ now"
    assert largest == 0 if sampling == 0 else largest > 10, "this has changed"
luma = cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2GRAY).astype(int)
off = np.abs(dlib.load_grayscale_image(file).astype(int) - luma).mean()
print(f"grey: dlib and OpenCV differ by {off:.1f} levels on average")
assert off > 2, "this has changed"
PYTHON
