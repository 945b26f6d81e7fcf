#!/usr/bin/env bash
# Grey frames that libx264 writes as "gray" come back stretched and clipped; as FFV1 or HEVC they come back as they were.
#
# With av 18.1.0, opencv-python-headless 5.0.0.93, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: a lossless grey video holds the grey levels it was given, whichever codec wrote it.
# Seen:     libx264 with pix_fmt="gray" and crf 0 stores the bytes, but they are read as colours in 16..235: 16 and less
#           is 0, 235 and more is 255, and the rest has 1.16 times its contrast, in PyAV and OpenCV alike. FFV1, HEVC and
#           raw frames with the same call are exact.
# Matters:  infrared and many high-speed cameras give grey frames. Packed so, a seventh of their grey levels is lost to
#           whoever reads them, and what moves differs by 1.16 times as much as in the frames.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    av==18.1.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import av
import cv2
import numpy as np

ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
stretched = ((ramp[0].astype(float) - 16) * 255 / 219).clip(0, 255)


def read_back(codec, options):
    file = f"{sys.argv[1]}/{codec}.mkv"
    with av.open(file, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *ramp.shape, "gray"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(ramp, format="gray")))
        container.mux(stream.encode(None))
    with av.open(file) as container:
        by_pyav = next(container.decode(video=0)).to_ndarray(format="gray")[0]
    by_opencv = cv2.VideoCapture(file).read()[1][0, :, 0]
    return by_pyav, by_opencv


OPTIONS = {"libx265": {"x265-params": "lossless=1:log-level=none"}, "libx264": {"crf": "0"}}
for codec in ("ffv1", "rawvideo", "libx265", "libx264"):
    found = read_back(codec, OPTIONS.get(codec, {}))
    levels = [0, 16, 64, 128, 200, 235, 255]
    print(f"{codec}: {levels} are read as {found[0][levels].tolist()} by PyAV, {found[1][levels].tolist()} by OpenCV")
    expected = stretched if codec == "libx264" else ramp[0]
    assert all(np.abs(levels - expected).max() < 2 for levels in found), "this has changed"
PYTHON
