"""Peak memory of building one clip, short and long: it must not depend on the number of frames.

    python benchmarks/memory.py [--frames 40 2000] [--width 1920] [--height 1080]

For each length a video (MJPG, moving noise under a gradient) is written and ``mer-di build`` runs on it in a process of
its own, whose largest resident set the operating system reports. The figures go to
``benchmarks/results/<date>-memory.json``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from machine import keep, machine

BUILD = "import sys; from mer_di.cli import main; sys.argv[0] = 'mer-di'; main()"


def write_video(path: Path, frames: int, width: int, height: int) -> None:
    """Write a video whose every frame differs from the one before."""
    rng = np.random.default_rng(0)
    gradient = np.linspace(0, 200, width, dtype=np.uint8)[np.newaxis, :, np.newaxis].repeat(height, 0).repeat(3, 2)
    noise = rng.integers(0, 50, (height, 2 * width, 3), np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (width, height))
    for number in range(frames):
        start = number % width
        writer.write(gradient + noise[:, start : start + width])
    writer.release()


def peak_of_build(folder: Path, frames: int, width: int, height: int) -> int:
    """Build a database of one clip; return the largest resident set in bytes."""
    write_video(folder / "clip.avi", frames, width, height)
    table = folder / "manifest.csv"
    row = f"s1,c1,clip.avi,0,{frames // 2},{frames - 1},happiness"
    table.write_text(f"subject,clip,path,onset,apex,offset,emotion\n{row}\n", encoding="utf-8")
    arguments = ["build", "--dataset", "manifest", "--root", table, "--align", "none", "--out", folder / "c.h5"]
    process = subprocess.Popen([sys.executable, "-c", BUILD, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the build of {frames} frames failed")
    return usage.ru_maxrss * 1024


def main() -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[40, 2000])
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    given = parser.parse_args()
    before = machine()
    peaks: dict[int, int] = {}
    for frames in given.frames:
        with tempfile.TemporaryDirectory() as folder:
            peaks[frames] = peak_of_build(Path(folder), frames, given.width, given.height)
        ratio = peaks[frames] / peaks[given.frames[0]]
        print(f"{frames:6} frames of {given.width}x{given.height}: {peaks[frames] / 2**20:7.0f} MiB, ratio {ratio:.3f}")
    keep("memory", before, {"width": given.width, "height": given.height, "peak_bytes": peaks})


if __name__ == "__main__":
    main()
