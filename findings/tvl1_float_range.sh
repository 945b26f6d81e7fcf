#!/usr/bin/env bash
# TV-L1 flow of scikit-image reads nonsense from float pictures of 0..255.
#
# With scikit-image 0.26.0, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: the flow does not depend on the unit of brightness, or floats out of 0..1 are refused.
# Seen:     one pixel to the right is read rightly from uint8 and from floats of 0..1; from the same values as
#           floats of 0..255 it is off by 2.5 px on average. uint8 is scaled to 0..1 inside, floats are not, and nothing
#           says so. optical_flow_ilk does not mind.
# Matters:  TV-L1 is the field's usual flow, and its motions are fractions of a pixel.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - "$work" <<'PYTHON'
import numpy as np
from skimage import data
from skimage.registration import optical_flow_ilk, optical_flow_tvl1
from scipy.ndimage import gaussian_filter

face = gaussian_filter(data.astronaut()[:224, 112:336].mean(axis=2), 1)  # public domain (NASA)
frequencies = np.fft.fftfreq(face.shape[1])
moved = np.fft.ifft(np.fft.fft(face, axis=1) * np.exp(-2j * np.pi * frequencies), axis=1).real.clip(0, 255)
inner = np.s_[40:-40, 40:-40]
seen = {}
for name, convert in {
    "uint8": lambda picture: np.rint(picture).astype(np.uint8),
    "float 0..1": lambda picture: (picture / 255).astype(np.float32),
    "float 0..255": lambda picture: picture.astype(np.float32),
}.items():
    for flow in (optical_flow_tvl1, optical_flow_ilk):
        down, right = (part[inner] for part in flow(convert(face), convert(moved)))
        seen[flow.__name__, name] = error = np.hypot(right - 1, down).mean()
        print(f"{flow.__name__} {name:12}: mean ({right.mean():.2f}, {down.mean():.2f}), off by {error:.3f} px")
assert seen["optical_flow_tvl1", "uint8"] < 0.05 and seen["optical_flow_tvl1", "float 0..1"] < 0.05
assert seen["optical_flow_tvl1", "float 0..255"] > 0.5, "floats of 0..255 are read now"
assert seen["optical_flow_ilk", "float 0..255"] < 0.05
PYTHON
