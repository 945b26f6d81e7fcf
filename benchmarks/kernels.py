"""How fast weighted sums are, against the memory they have to read and against two obvious ways to write them.

    python benchmarks/kernels.py [--frames 100] [--height 480] [--width 640] [--repeats 15]

All contestants work on the same clips in one process, in a new order every turn. The clips together are larger than a
large cache, so that each reading comes from memory. ``read`` adds up the clip's bytes as 8-byte words, with as many
threads as the library uses: front to back, or as eight streams, which some memories serve faster. The faster of the
two is what the others are compared with. Compilation is not counted. The figures go to
``benchmarks/results/<date>-kernels.json``.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numba
import numpy as np
from machine import machine
from numpy.typing import NDArray

from mer_di.accumulate import _cpu, weighted_sums
from mer_di.rank_pooling import arp, phase_weights

Array = NDArray[Any]
CLIPS_BYTES = 512 << 20
SETTLE = 0.02  # seconds; threads of BLAS and OpenMP spin for a while after their work


@numba.njit(nogil=True)
def sum_of_words(words: Array) -> int:
    """Add up 8-byte words, front to back."""
    total = np.uint64(0)
    for i in range(words.size):
        total += words[i]
    return total


@numba.njit(nogil=True)
def sum_of_streams(words: Array) -> int:
    """Add up 8-byte words from eight places at once."""
    n = words.size // 8
    a, b, c, d = words[:n], words[n:], words[2 * n :], words[3 * n :]
    e, f, g, h = words[4 * n :], words[5 * n :], words[6 * n :], words[7 * n :]
    total = np.uint64(0)
    for i in range(n):
        total += a[i] + b[i] + c[i] + d[i] + e[i] + f[i] + g[i] + h[i]
    return total


def read(clip: Array, kernel: Callable[[Array], int]) -> None:
    """Read every byte once."""
    list(_cpu._threads().map(kernel, np.array_split(clip.reshape(-1).view(np.uint64), _cpu.THREADS)))


@numba.njit(parallel=True)
def naive(clip: Array, weights: Array) -> Array:
    """Sum as one writes it first: a parallel loop over pixels, inside it a loop over frames."""
    pixels = clip.reshape(len(clip), -1)
    n, size = pixels.shape
    sums = np.zeros((len(weights), size), np.int32)
    for i in numba.prange(size):
        for k in range(len(weights)):
            for t in range(n):
                sums[k, i] += weights[k, t] * pixels[t, i]
    return sums


def tensordot(clip: Array, weights: Array) -> Array:
    """Sum as one writes it in NumPy."""
    return np.tensordot(weights, clip.astype(np.float32), 1)


def contestants(n: int) -> dict[str, Callable[[Array], object]]:
    """Name each way to work through a clip of n frames."""
    phases = phase_weights(n, range(n // 2 + 1), range(n // 2, n))
    whole = {"1 row": arp(n)[np.newaxis], "2 rows": np.stack([arp(n), -arp(n)])}
    ours = {**whole, "2 phases": phases[:2], "2 phases and full": phases}
    return {
        "read": partial(read, kernel=sum_of_words),
        "read, 8 streams": partial(read, kernel=sum_of_streams),
        **{f"mer_di, {name}": partial(weighted_sums, weights=rows, backend="cpu") for name, rows in ours.items()},
        **{f"tensordot, {name}": partial(tensordot, weights=rows.astype(np.float32)) for name, rows in whole.items()},
        **{f"naive prange, {name}": partial(naive, weights=rows.astype(np.int32)) for name, rows in whole.items()},
    }


def measure(clips: list[Array], repeats: int) -> dict[str, list[float]]:
    """Time every contestant on every clip in turn; seconds a clip."""
    tasks = contestants(len(clips[0]))
    for task in tasks.values():
        task(clips[0])
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    order = random.Random(0)
    next_clip = cycle(clips)  # never one that the last contestants have left in the cache
    for _ in range(repeats):
        for name in order.sample(list(tasks), len(tasks)):
            clip = next(next_clip)
            time.sleep(SETTLE)
            start = time.perf_counter()
            tasks[name](clip)
            seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Measure, print a table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--frames", 100), ("--height", 480), ("--width", 640), ("--repeats", 15)):
        parser.add_argument(option, type=int, default=default)
    given = parser.parse_args()
    shape = (given.frames, given.height, given.width, 3)
    rng = np.random.default_rng(0)
    clips = [rng.integers(0, 256, shape, np.uint8) for _ in range(1 + CLIPS_BYTES // int(np.prod(shape)))]
    before = machine()
    seconds = measure(clips, given.repeats)

    print(f"{shape} uint8, {len(clips)} clips, {given.repeats} repeats, {_cpu.THREADS} threads")
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    reading = min(median for name, median in medians.items() if name.startswith("read"))
    results = {}
    for name, median in medians.items():
        rate, share = clips[0].nbytes / median / 1e9, reading / median
        results[name] = {"median_s": median, "fastest_s": min(seconds[name]), "gb_per_s": rate, "of_read": share}
        print(
            f"{name:26} {1e3 * median:7.1f} ms, fastest {1e3 * min(seconds[name]):6.1f}  {rate:6.2f} GB/s {share:6.2f}"
        )
    now = datetime.now(UTC)
    out = Path(__file__).parent / "results" / f"{now:%Y-%m-%d}-kernels.json"
    out.parent.mkdir(exist_ok=True)
    record = {"date": now.isoformat(), "machine": before, "shape": shape, "clips": len(clips), "results": results}
    out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"written: {out.name}")


if __name__ == "__main__":
    main()
