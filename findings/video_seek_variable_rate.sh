#!/usr/bin/env bash
# cv2.VideoCapture.set(CAP_PROP_POS_FRAMES, n) gives another frame than the n-th in a video of variable rate.
#
# With opencv-python-headless 5.0.0.93, numpy 2.4.6, av 18.1.0 (to write the video); Python 3.11, x86-64; seen
# 2026-11-28.
# Expected: frame n, as reading from the start gives it, or a refusal.
# Seen:     right for every frame at a constant rate. Where the camera lost ten frames' time after frame 50, more than
#           half of all positions give a neighbour, also before the gap, without a word; reading in order stays right.
#           A position is turned into a time by the average rate.
# Matters:  onset, apex and offset are frame numbers, and screen recordings, phones and webcams write variable rates.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opencv-python-headless==5.0.0.93 numpy==2.4.6 av==18.1.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys
from fractions import Fraction

import av
import cv2
import numpy as np


def picture(number):
    """Draw the bits of a number as eight stripes."""
    bits = number >> np.arange(8) & 1
    return np.broadcast_to((40 + 180 * bits).astype(np.uint8).repeat(16)[None, :, None], (128, 128, 3)).copy()


def number_in(frame):
    return int(((frame[64, 8::16].mean(axis=1) > 128) << np.arange(8)).sum())


def write(file, times):
    with av.open(file, "w") as container:
        stream = container.add_stream("mpeg4", rate=200, options={"g": "12"})
        stream.width = stream.height = 128
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 200)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 200)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def wrong(file):
    video = cv2.VideoCapture(file)
    assert [number_in(video.read()[1]) for _ in range(100)] == list(range(100)), "reading in order is wrong"
    positions = {}
    for number in range(100):
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        found, frame = video.read()
        positions[number] = number_in(frame) if found else None
    return {number: got for number, got in positions.items() if got != number}


for name, times in (("constant", range(100)), ("gap", [*range(50), *range(60, 110)])):
    file = f"{sys.argv[1]}/{name}.mp4"
    write(file, times)
    found = wrong(file)
    print(f"{name}: {len(found)} of 100 positions give another frame: {dict(list(found.items())[:4])}")
    assert len(found) > 50 if name == "gap" else not found, "this has changed"
PYTHON
