#!/usr/bin/env bash
# imageio's PyAV plugin gives frame n + 1 for index=n in Matroska at 30, 60 and 90 frames a second, at a third of them.
#
# With imageio 2.38.1, av 18.1.0, numpy 2.4.6; Python 3.11, x86-64; seen 2026-11-28.
# Expected: imread(index=n) is the n-th frame, at a constant rate at least.
# Seen:     H.264 in Matroska: right for all of 100 frames at 25 and 200 a second, wrong for about 32 at 30, 60 and 90,
#           always by one, in runs that begin somewhere in the file: its times are whole milliseconds, and an index is
#           turned into a time. In MP4 all are right.
# Matters:  screen recorders write Matroska; MMEW has 90 frames a second, CAS(ME)^3 30. A phase that ends a frame late
#           looks like any other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check imageio==2.38.1 av==18.1.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys
from fractions import Fraction

import av
import imageio.v3 as iio
import numpy as np


def picture(number):
    """Draw the bits of a number as eight stripes."""
    bits = number >> np.arange(8) & 1
    return np.broadcast_to((40 + 180 * bits).astype(np.uint8).repeat(16)[None, :, None], (128, 128, 3)).copy()


def number_in(frame):
    return int(((frame[64, 8::16].mean(axis=1) > 128) << np.arange(8)).sum())


def write(file, rate):
    with av.open(file, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"g": "12", "bf": "0", "crf": "10"})
        stream.width = stream.height = 128
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, rate)
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


for kind, rate in (("mkv", 25), ("mkv", 200), ("mp4", 90), ("mkv", 30), ("mkv", 60), ("mkv", 90)):
    file = f"{sys.argv[1]}/{rate}.{kind}"
    write(file, rate)
    assert [number_in(frame) for frame in iio.imiter(file, plugin="pyav")] == list(range(100)), "misread in order"
    off = [number_in(iio.imread(file, plugin="pyav", index=number)) - number for number in range(100)]
    print(f"{kind}, {rate} a second: {np.count_nonzero(off)} of 100 wrong, by {sorted(set(off) - {0})}")
    if kind == "mkv" and 1000 % rate:
        assert np.count_nonzero(off) > 20 and set(off) == {0, 1}, "Matroska is read rightly now"
    else:
        assert not any(off), "what was read rightly is misread now"
PYTHON
