"""How fast weighted sums are, against the memory they have to read and against the usual ways to write them.

    python benchmarks/kernels.py [--rounds 15]

Each round runs every contestant once, in a new order, on the next of several clips that together are larger than a
large cache: every reading comes from memory. Three kernels add up the clip as 8-byte words with as many threads as
the library uses: front to back, as four streams, as eight. The one with the fastest median is the *floor*. Ratios are
taken within a round; their median and quartiles are reported, and beside them the ratio of the fastest rounds, which
other work on the machine disturbs least. Compilation is not counted. *Streaming* is `Accumulator.add`, frame after
frame, in one thread, so its partner is the stacked kernel in one thread.
The figures go to ``benchmarks/results/<date>-kernels.json``.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from typing import Any

import numba
import numpy as np
from machine import keep, machine
from numpy.typing import NDArray

from mer_di.accumulate import Accumulator, _cpu, weighted_sums
from mer_di.rank_pooling import arp, phase_weights

Array = NDArray[Any]
Task = Callable[[Array], object]

SHAPES = ((100, 480, 640, 3), (32, 224, 224, 3), (60, 250, 250, 3))
CLIPS_BYTES = 512 << 20
PAUSE = 0.01  # seconds
PEERS = ("tensordot", "channel loop", "naive prange")
STREAMING, ONE_THREAD = "streaming", "mer_di, 1 thread"


@numba.njit(nogil=True)
def one_stream(words: Array) -> np.uint64:
    """Add up 8-byte words, front to back."""
    total = np.uint64(0)
    for i in range(words.size):
        total += words[i]
    return total


@numba.njit(nogil=True)
def four_streams(words: Array) -> np.uint64:
    """Add up 8-byte words from four places at once."""
    n = words.size // 4
    a, b, c, d = words[:n], words[n:], words[2 * n :], words[3 * n :]
    total = np.uint64(0)
    for i in range(n):
        total += a[i] + b[i] + c[i] + d[i]
    return total


@numba.njit(nogil=True)
def eight_streams(words: Array) -> np.uint64:
    """Add up 8-byte words from eight places at once."""
    n = words.size // 8
    a, b, c, d = words[:n], words[n:], words[2 * n :], words[3 * n :]
    e, f, g, h = words[4 * n :], words[5 * n :], words[6 * n :], words[7 * n :]
    total = np.uint64(0)
    for i in range(n):
        total += a[i] + b[i] + c[i] + d[i] + e[i] + f[i] + g[i] + h[i]
    return total


def read(clip: Array, kernel: Callable[[Array], np.uint64]) -> None:
    """Read every byte once."""
    list(_cpu._threads().map(kernel, np.array_split(clip.reshape(-1).view(np.uint64), _cpu.THREADS)))


def tensordot(clip: Array, weights: Array) -> Array:
    """Sum as one writes it in NumPy."""
    return np.tensordot(weights.astype(np.float32), clip.astype(np.float32), 1)


def channel_loop(clip: Array, weights: Array) -> Array:
    """Sum as published programs do: channel by channel, frame by frame."""
    images = np.zeros((len(weights), *clip.shape[1:]))
    for image, row in zip(images, weights, strict=True):
        for channel in range(clip.shape[-1]):
            for weight, frame in zip(row, clip, strict=True):
                image[..., channel] += weight * frame[..., channel].astype(np.float64)
    return images


@numba.njit(parallel=True)
def naive_prange(clip: Array, weights: Array) -> Array:
    """Sum as one writes it first in Numba: a parallel loop over pixels, inside it a loop over frames."""
    pixels = clip.reshape(len(clip), -1)
    n, size = pixels.shape
    sums = np.zeros((len(weights), size), np.int32)
    for i in numba.prange(size):
        for k in range(len(weights)):
            for t in range(n):
                sums[k, i] += weights[k, t] * pixels[t, i]
    return sums


def streaming(clip: Array, weights: Array) -> Array:
    """Sum as a build does: one frame after the other."""
    sums = Accumulator(weights, backend="cpu")
    for frame in clip:
        sums.add(frame)
    return sums.sums()


def in_one_thread(clip: Array, weights: Array) -> Array:
    """Sum a stack without the library's threads."""
    with one_thread():
        return weighted_sums(clip, weights, backend="cpu")


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the library from using its threads."""
    threads, _cpu.THREADS = _cpu.THREADS, 1
    try:
        yield
    finally:
        _cpu.THREADS = threads


def row_sets(n: int) -> dict[str, Array]:
    """Name the rows of weights that are measured, for clips of n frames."""
    phases = phase_weights(n, range(n // 2 + 1), range(n // 2, n))
    return {
        "1 row": arp(n)[np.newaxis],
        "2 phases": phases[:2],
        "2 phases and full": phases,
        "2 dense rows": np.stack([arp(n), -arp(n)]),
    }


def contestants(n: int) -> dict[tuple[str, str], Task]:
    """Name each way to work through a clip of n frames: (rows, name)."""
    floor = {"one stream": one_stream, "four streams": four_streams, "eight streams": eight_streams}
    tasks: dict[tuple[str, str], Task] = {("floor", name): partial(read, kernel=k) for name, k in floor.items()}
    ways: dict[str, Callable[..., object]] = {
        "mer_di": partial(weighted_sums, backend="cpu"),
        ONE_THREAD: in_one_thread,
        STREAMING: streaming,
        "tensordot": tensordot,
        "channel loop": channel_loop,
        "naive prange": naive_prange,
    }
    for rows, weights in row_sets(n).items():
        for name, way in ways.items():
            tasks[rows, name] = partial(way, weights=weights)
    return tasks


def settle() -> None:
    """Wait until no thread is busy any more: those of BLAS and OpenMP spin for a while after their work."""
    busy = PAUSE
    while busy > PAUSE / 10:
        before = time.process_time()
        time.sleep(PAUSE)
        busy = time.process_time() - before


def measure(clips: list[Array], rounds: int) -> dict[tuple[str, str], Array]:
    """Time every contestant once a round; seconds a clip, one figure a round."""
    tasks = contestants(len(clips[0]))
    for task in tasks.values():
        task(clips[0])
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in tasks}
    order = random.Random(0)
    next_clip = cycle(clips)  # never one that the last contestants have left in the cache
    for _ in range(rounds):
        for key in order.sample(list(tasks), len(tasks)):
            clip = next(next_clip)
            settle()
            start = time.perf_counter()
            tasks[key](clip)
            seconds[key].append(time.perf_counter() - start)
    return {key: np.array(times) for key, times in seconds.items()}


def quartiles(values: Array) -> dict[str, float]:
    """Median and spread."""
    low, middle, high = np.percentile(values, (25, 50, 75)).tolist()
    return {"median": middle, "p25": low, "p75": high}


def ratio(dividend: Array, divisor: Array) -> dict[str, float]:
    """Divide round by round; beside that, the fastest by the fastest."""
    return quartiles(dividend / divisor) | {"of_fastest": float(dividend.min() / divisor.min())}


def records(shape: tuple[int, ...], seconds: dict[tuple[str, str], Array]) -> list[dict[str, object]]:
    """Describe each contestant; ratios are of figures of the same round."""
    floor = min((times for (rows, _), times in seconds.items() if rows == "floor"), key=np.median)
    found: list[dict[str, object]] = []
    for (rows, name), times in seconds.items():
        record: dict[str, object] = {
            "case": "kernel",
            "shape": shape,
            "rows": rows,
            "name": name,
            "seconds": quartiles(times) | {"fastest": float(times.min())},
            "gb_per_s": int(np.prod(shape)) / float(np.median(times)) / 1e9,
            "ratio_to_floor": ratio(floor, times),
        }
        if name == "mer_di":
            record |= {f"times_faster_than_{peer}": ratio(seconds[rows, peer], times) for peer in PEERS}
        if name == STREAMING:
            record["times_slower_than_stacked"] = ratio(times, seconds[rows, ONE_THREAD])
        found.append(record)
    return found


def print_table(found: list[dict[str, Any]]) -> None:
    """Print one line a contestant: median (lower to upper quartile)."""
    for record in found:
        times, share = record["seconds"], record["ratio_to_floor"]
        line = (
            f"{record['rows']:18} {record['name']:17} {1e3 * times['median']:8.2f} ms"
            f" ({1e3 * times['p25']:.2f} to {1e3 * times['p75']:.2f})  {record['gb_per_s']:6.2f} GB/s"
            f"  of floor {share['median']:.2f} ({share['p25']:.2f} to {share['p75']:.2f};"
            f" fastest {share['of_fastest']:.2f})"
        )
        for key in record:
            if key.startswith("times_"):
                line += f"  {key.removeprefix('times_').replace('_', ' ')}: {record[key]['median']:.3g}"
        print(line)


def main() -> None:
    """Measure, print a table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    before = machine()
    found: list[dict[str, object]] = []
    for shape in SHAPES:
        clips = [rng.integers(0, 256, shape, np.uint8) for _ in range(1 + CLIPS_BYTES // int(np.prod(shape)))]
        print(f"{shape} uint8, {len(clips)} clips, {rounds} rounds, {_cpu.THREADS} threads")
        of_shape = records(shape, measure(clips, rounds))
        print_table(of_shape)
        found += of_shape
    keep("kernels", before, {"threads": _cpu.THREADS, "rounds": rounds, "records": found})


if __name__ == "__main__":
    main()
