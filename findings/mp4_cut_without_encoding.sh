#!/usr/bin/env bash
# A clip cut out of an MP4 without encoding has more frames by its count than it shows, and decord makes up the difference.
#
# With opencv-python-headless 5.0.0.93, av 18.1.0, decord 0.6.0, numpy 2.4.6, and the ffmpeg of imageio-ffmpeg 0.8.1 (to
# cut); Python 3.11, x86-64; seen 2026-11-28.
# Expected: the frames of a clip are those that it shows; the same cut into MP4 and Matroska has the same frames.
# Seen:     `ffmpeg -ss 0.6 -i whole.mp4 -t 2 -c copy` begins at the key frame before, and an MP4 says "do not show the
#           first 15". OpenCV and PyAV obey, and still count them: 65 frames, 50 given. len() of decord is 65 too, and its
#           last 15 are the last frame again and again. The Matroska file shows those 15, so that its frame n is the
#           frame n - 15 of the MP4.
# Matters:  expressions are cut out of long recordings so. A clip is as long as its table says, and ends in a still.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opencv-python-headless==5.0.0.93 av==18.1.0 decord==0.6.0 imageio-ffmpeg==0.8.1 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import subprocess
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
from decord import VideoReader
from imageio_ffmpeg import get_ffmpeg_exe

WHOLE = f"{sys.argv[1]}/whole.mp4"


def picture(number):
    """Draw the bits of a number as eight stripes."""
    bits = number >> np.arange(8) & 1
    return np.broadcast_to((40 + 180 * bits).astype(np.uint8).repeat(16)[None, :, None], (128, 128, 3)).copy()


def number_in(frame):
    return int(((frame[64, 8::16].mean(axis=1) > 128) << np.arange(8)).sum())


def given(file):
    """The count that each reader announces, and the numbers in the frames that it gives."""
    video, reader = cv2.VideoCapture(file), VideoReader(file)
    yield "OpenCV", int(video.get(cv2.CAP_PROP_FRAME_COUNT)), list(iter(lambda: read_number(video), None))
    with av.open(file) as container:
        numbers = [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
        yield "PyAV", container.streams.video[0].frames, numbers
    yield "decord", len(reader), [number_in(reader[number].asnumpy()) for number in range(len(reader))]


def read_number(video):
    found, frame = video.read()
    return number_in(frame) if found else None


with av.open(WHOLE, "w") as container:
    stream = container.add_stream("libx264", rate=25, options={"g": "25", "bf": "0", "crf": "10"})
    stream.width = stream.height = 128
    stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 25)
    for number in range(100):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
seen = {}
for suffix in ("mp4", "mkv"):
    cut = f"{sys.argv[1]}/cut.{suffix}"
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-ss", "0.6", "-i", WHOLE, "-t", "2", "-c", "copy", cut], check=True)
    for name, count, numbers in given(cut):
        seen[suffix, name] = count, numbers
        print(f"{suffix}, {name}: counts {count}, gives {len(numbers)}, {numbers[0]}..{numbers[-1]}")
for name in ("OpenCV", "PyAV"):
    assert seen["mp4", name] == (65, list(range(15, 65))), "a cut MP4 is read or counted otherwise now"
assert seen["mp4", "decord"] == (65, [*range(15, 65), *[64] * 15]), "decord makes up no frames now"
assert all(seen["mkv", name][1] == list(range(65)) for name in ("OpenCV", "PyAV", "decord")), "Matroska hides frames now"
PYTHON
