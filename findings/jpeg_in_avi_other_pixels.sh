#!/usr/bin/env bash
# The same JPEG is read darker, and with coarser colours, from an AVI than as a picture.
#
# With opencv-python-headless 5.0.0.93, av 18.1.0, scikit-image 0.26.0 (a face), numpy 2.4.6; Python 3.11, x86-64; seen
# 2026-11-28.
# Expected: an AVI whose chunks are the bytes of the JPEGs holds the pixels of the JPEGs, up to rounding.
# Seen:     with 4:2:0 or 4:2:2 colours, a plain skin comes out one level darker in all three channels; a face by 0.8 in
#           green on average, and edges of colour differ by up to 27 levels. PyAV and OpenCV agree with each other. With
#           4:4:4 nothing is off by more than 3, grey pictures by 1; OpenCV's own reader (CAP_OPENCV_MJPEG) gives the
#           picture to the bit. The ffmpeg command with -sws_flags accurate_rnd+full_chroma_int+bicubic is off by 0.03.
# Matters:  cameras of 200 frames a second write such AVIs, and packing a folder of JPEGs into one looks lossless. A
#           network that was trained on the one sees the other shifted; differences of two frames are unharmed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opencv-python-headless==5.0.0.93 av==18.1.0 scikit-image==0.26.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
from skimage.data import astronaut

FILE = f"{sys.argv[1]}/frames.avi"
face = np.ascontiguousarray(astronaut()[:256, 100:356, ::-1])
skin = np.full_like(face, (119, 139, 199))
grey = np.repeat(face[..., 1:2], 3, axis=2)


def in_avi(jpeg, pixels):
    """Wrap the bytes of a JPEG as the only frame of an AVI, and read it back by three readers."""
    with av.open(FILE, "w") as container:
        stream = container.add_stream("mjpeg", rate=200)
        stream.height, stream.width, stream.pix_fmt = 256, 256, pixels
        packet = av.Packet(jpeg)
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 200)
        container.mux(packet)
    with av.open(FILE) as container:
        decoded = next(container.decode(video=0)).reformat(format="bgr24", interpolation="BICUBIC").to_ndarray()
    return decoded, *(cv2.VideoCapture(FILE, api).read()[1] for api in (cv2.CAP_FFMPEG, cv2.CAP_OPENCV_MJPEG))


for sampling, pixels in ((444, "yuvj444p"), (422, "yuvj422p"), (420, "yuvj420p")):
    factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
    for name, image in (("skin", skin), ("face", face), ("grey", grey)):
        jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])[1]
        picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR).astype(int)
        pyav, ffmpeg, own = in_avi(jpeg.tobytes(), pixels)
        bias, most = (ffmpeg - picture).mean((0, 1)), np.abs(ffmpeg - picture).max()
        print(f"{name}, {sampling}: blue, green, red off by {bias.round(2)} on average, at most {most}")
        assert (own == picture).all() and (pyav == ffmpeg).all(), "the readers agree otherwise now"
        if sampling == 444 or name == "grey":
            assert most <= 3 and np.abs(bias).max() < 0.2, "this was nearly exact"
        elif name == "skin":
            assert (ffmpeg - picture == -1).all(), "a plain skin is read rightly now"
        else:
            assert bias[1] < -0.6 and most > 10, "a face is read rightly now"
PYTHON
