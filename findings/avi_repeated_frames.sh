#!/usr/bin/env bash
# An AVI that stores a frame once and shows it several times: readers do not agree on the numbers of the frames after it.
#
# With opencv-python-headless 5.0.0.93, av 18.1.0, imageio 2.38.1 with imageio-ffmpeg 0.8.1, numpy 2.4.6; Python 3.11,
# x86-64; seen 2026-11-28.
# Expected: one file, one numbering; or at least that a reader's count of frames is the number of frames it gives.
# Seen:     AVI says "the same again" with an empty chunk. Of 100 pictures and 10 empty chunks OpenCV and PyAV count 110
#           and give 100; imageio's ffmpeg plugin counts 100 and gives 110. A picture that stands at 60 for the one
#           stands at 70 for the other. Seeking in OpenCV is right up to some frame after the gap, 10 off from there on.
# Matters:  capture programs write empty chunks for frames that they lost, and FFmpeg for gaps in time. Who annotated in
#           a player or on pictures extracted by ffmpeg has other onset, apex and offset than who decodes in Python.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opencv-python-headless==5.0.0.93 av==18.1.0 imageio==2.38.1 imageio-ffmpeg==0.8.1 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys
from fractions import Fraction

import av
import cv2
import imageio
import numpy as np

FILE = f"{sys.argv[1]}/repeated.avi"


def picture(number):
    """Draw the bits of a number as eight stripes."""
    bits = number >> np.arange(8) & 1
    return np.broadcast_to((40 + 180 * bits).astype(np.uint8).repeat(16)[None, :, None], (128, 128, 3)).copy()


def number_in(frame):
    return int(((frame[64, 8::16].mean(axis=1) > 128) << np.arange(8)).sum())


with av.open(FILE, "w") as container:
    stream = container.add_stream("mjpeg", rate=200)
    stream.width = stream.height = 128
    stream.pix_fmt, stream.codec_context.time_base = "yuvj420p", Fraction(1, 200)
    for number, time in enumerate([*range(50), *range(60, 110)]):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame.pts, frame.time_base = time, Fraction(1, 200)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))

video = cv2.VideoCapture(FILE)
counts = {"OpenCV": int(video.get(cv2.CAP_PROP_FRAME_COUNT))}
given = {"OpenCV": []}
while (read := video.read())[0]:
    given["OpenCV"].append(number_in(read[1]))
with av.open(FILE) as container:
    counts["PyAV"] = container.streams.video[0].frames
    given["PyAV"] = [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
with imageio.get_reader(FILE, "ffmpeg") as reader:
    counts["imageio"] = reader.count_frames()
    given["imageio"] = [number_in(frame) for frame in reader]
for name, numbers in given.items():
    print(f"{name}: counts {counts[name]}, gives {len(numbers)}; picture 60 is at {numbers.index(60)}")

sought = []
for number in range(100):
    video.set(cv2.CAP_PROP_POS_FRAMES, number)
    sought.append(number_in(video.read()[1]))
wrong = {number: got for number, got in enumerate(sought) if got != number}
print(f"OpenCV, seeking: {len(wrong)} of 100 positions give another picture: {dict(list(wrong.items())[:3])}")

assert counts == {"OpenCV": 110, "PyAV": 110, "imageio": 100}, "they count otherwise now"
assert given["OpenCV"] == given["PyAV"] == list(range(100)), "they read otherwise now"
assert len(given["imageio"]) == 110 and given["imageio"].index(60) == 70, "imageio reads otherwise now"
assert wrong and {number - got for number, got in wrong.items()} == {10}, "seeking has changed"
PYTHON
