"""The build against decoding alone, and against what is usual: align every frame, stack, sum.

    python benchmarks/build.py [--quick] [--rounds 7] [--jobs N] [--data FOLDER]

Four trees of databases are drawn once and kept in ``--data``: CASME II's cropped faces (about 280×340) and whole frames
(640×480), MMEW's faces (231×231), SAMM's whole frames (960×650, grey). On each, all contestants work through the same
clips with the same number of threads, in a new order every round; a ratio is that of two times of one round. They are

* ``decode``: the build's own reading of the files (`mer_di.imaging.frames`) and nothing else;
* ``decode, OpenCV``: ``cv2.imdecode`` to three channels, which needs nothing but OpenCV;
* ``build``: `mer_di.building.build.build_cache`: faces, sums, warps, key frames and the finished HDF5 file;
* ``build, no extra`` and ``decode, no extra``: both without simplejpeg, if it is installed.

Processor time is given beside wall time, because it depends less on what else the machine does. Then: on some of the
clips, the usual way beside ours; where a build's time goes; one worker against all; clips of 8 to 2,000 frames;
``mer-di build`` of one clip as a process of its own. The figures go to ``benchmarks/results/<date>-build.json``.
"""

import argparse
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import cv2
import numpy as np
import platformdirs
from machine import keep, machine

from mer_di import accumulate, load_dataset, rank_pooling
from mer_di.building import build, plan, rendering, unfinished
from mer_di.building.defaults import default_recipe
from mer_di.building.plan import PlannedClip, make_plan
from mer_di.cache import rows
from mer_di.datasets import Database
from mer_di.executors import local, processors
from mer_di.imaging import face, frames, image, listing, placement, warp
from mer_di.recipe import Recipe
from mer_di.synthetic import write_database


class Drawn(NamedTuple):
    """What is drawn of a database."""

    layout: str
    subjects: int
    tree: str | None = None


DATABASES = {
    "casme2-cropped": Drawn("casme2", 6, "cropped"),
    "mmew": Drawn("mmew", 6),
    "casme2-selected": Drawn("casme2", 6, "selected"),
    "samm": Drawn("samm", 5),
}
LENGTHS = (8, 16, 32, 64, 125, 250, 500, 1000, 2000)
STAGES = (
    (frames, "read_file", "read"),
    (frames, "decode_image", "decode"),
    (plan, "require_listed", "list"),
    (face, "detect", "find the face"),
    (face, "predict", "landmarks"),
    (accumulate.Accumulator, "add", "sum"),
    (accumulate.Accumulator, "add_stack", "sum"),
    (accumulate.Accumulator, "sums", "sum"),
    (warp, "region", "warp"),
    (warp.Warp, "__call__", "warp"),
    (warp, "to_uint8", "round"),
    (rows.Rows, "write", "write rows"),
    (build, "make_plan", "plan"),
    (unfinished.Unfinished, "claim", "make the file"),
    (unfinished.Unfinished, "put_in_place", "bring it to the disk"),
)
COMMAND = "import sys; from mer_di.cli import main; sys.argv[0] = 'mer-di'; main()"


def draw(folder: Path, subjects: int | None) -> dict[str, Database]:
    """Draw the databases that are not there yet; load them."""
    databases = {}
    for name, drawn in DATABASES.items():
        people = subjects or drawn.subjects
        root = folder / f"{name}-{people}"
        if not root.is_dir():
            print(f"drawing {root}", flush=True)
            root.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as aside:
                made = write_database(Path(aside) / "drawn", layout=drawn.layout, tree=drawn.tree, subjects=people)
                made.rename(root)
        databases[name] = load_dataset(drawn.layout, root)
    return databases


def on_threads(jobs: int, task: Callable[[PlannedClip], object], database: Database) -> None:
    """Run a task on every clip."""
    plan = make_plan(database, default_recipe(database))
    with ThreadPoolExecutor(jobs) as threads:
        list(threads.map(task, plan.clips))


def decode(clip: PlannedClip) -> None:
    """Decode as the build does."""
    for _ in frames.read_frames(clip.path, clip.numbers):
        pass


def decode_with_opencv(clip: PlannedClip) -> None:
    """Decode as one does with OpenCV."""
    files = listing.list_frames(clip.path)
    for number in clip.numbers:
        cv2.imdecode(np.fromfile(files[number], np.uint8), cv2.IMREAD_COLOR)


def build_in(folder: Path, database: Database, jobs: int) -> None:
    """Build the whole cache."""
    with local("threads", jobs) as executor:
        build.build_cache(database, folder / "cache.h5", default_recipe(database), executor=executor, overwrite=True)


def usual_way(clip: PlannedClip) -> None:
    """Detect, align and warp every frame, stack them, sum the stack in floats."""
    detector, predictor = face.detector._detector(), face.landmarks._predictor(face.landmark_model())
    files = listing.list_frames(clip.path)
    aligned = []
    for number in clip.numbers:
        read = cv2.imread(str(files[number]))
        if read is None:
            raise SystemExit(f"{files[number]} does not decode: delete its tree, which the next run draws anew")
        shown = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
        points = predictor(shown, detector(shown, 0)[0]).parts()
        matrix = placement.similarity([(point.x, point.y) for point in points], 224)
        aligned.append(cv2.warpAffine(shown, matrix, (224, 224)))
    stack = np.stack(aligned).astype(np.float32)
    for phase in (clip.onset_phase, clip.offset_phase):
        weights = rank_pooling.arp(len(phase)).astype(np.float32)
        (weights[:, np.newaxis, np.newaxis, np.newaxis] * stack[phase.start : phase.stop]).sum(0)


def without_extra(task: Callable[[], object]) -> None:
    """Run a task that decodes with OpenCV alone, as if simplejpeg was not installed."""
    with mock.patch.object(image, "_simplejpeg", return_value=None):
        task()


def timed(task: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - wall, time.process_time() - cpu


def alternating(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Time tasks in a new order every round: wall and processor seconds by name."""
    for task in tasks.values():
        task()
    times: dict[str, dict[str, list[float]]] = {
        "wall": {name: [] for name in tasks},
        "cpu": {name: [] for name in tasks},
    }
    order = random.Random(0)
    for _ in range(rounds):
        for name in order.sample(list(tasks), len(tasks)):
            for kind, seconds in zip(("wall", "cpu"), timed(tasks[name]), strict=True):
                times[kind][name].append(seconds)
    return times


def spread(values: list[float]) -> dict[str, float]:
    """Return median, quartiles and least."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": statistics.median(values), "p25": low, "p75": high, "least": min(values)}


def ratios(times: dict[str, list[float]], pairs: list[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Return the spread of the ratios of paired times, for each pair of contestants that took part."""
    return {
        f"{one} / {other}": spread([a / b for a, b in zip(times[one], times[other], strict=True)])
        for one, other in pairs
        if one in times and other in times
    }


def against_decoding(database: Database, folder: Path, jobs: int, rounds: int) -> dict[str, Any]:
    """Compare the build with decoding alone."""
    tasks: dict[str, Callable[[], object]] = {
        "decode": partial(on_threads, jobs, decode, database),
        "decode, OpenCV": partial(on_threads, jobs, decode_with_opencv, database),
        "build": partial(build_in, folder, database, jobs),
    }
    if image._simplejpeg() is not None:
        for name in ("decode", "build"):
            tasks[f"{name}, no extra"] = partial(without_extra, tasks[name])
    times = alternating(tasks, rounds)
    pairs = [
        ("build", "decode"),
        ("build", "decode, OpenCV"),
        ("build, no extra", "decode, no extra"),
        ("build, no extra", "decode, OpenCV"),
    ]
    return {
        "seconds": {kind: {name: spread(values) for name, values in times[kind].items()} for kind in times},
        "ratios": {kind: ratios(times[kind], pairs) for kind in times},
    }


def against_the_usual_way(database: Database, folder: Path, jobs: int, rounds: int, clips: int) -> dict[str, Any]:
    """Compare the build with the usual way on a few clips."""
    step = max(1, len(database.samples) // clips)
    some = replace(database, samples=database.samples[::step][:clips])
    tasks: dict[str, Callable[[], object]] = {
        "usual way": partial(on_threads, jobs, usual_way, some),
        "build": partial(build_in, folder, some, jobs),
    }
    times = alternating(tasks, rounds)
    return {
        "clips": len(some.samples),
        "seconds": {kind: {name: spread(values) for name, values in times[kind].items()} for kind in times},
        "ratios": {kind: ratios(times[kind], [("usual way", "build")]) for kind in times},
    }


def breakdown(database: Database, folder: Path) -> dict[str, float]:
    """Return milliseconds of processor time a clip, stage by stage, of a build with one worker."""
    spent = {stage: 0.0 for *_, stage in STAGES}

    def watched(stage: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*arguments: object, **options: object) -> object:
            started, within = time.thread_time(), sum(spent.values())
            try:
                return call(*arguments, **options)
            finally:
                spent[stage] += time.thread_time() - started - (sum(spent.values()) - within)

        return wrapper

    with contextlib.ExitStack() as watching:
        for owner, name, stage in STAGES:
            watching.enter_context(mock.patch.object(owner, name, watched(stage, getattr(owner, name))))
        _, cpu = timed(partial(build_in, folder, database, 1))
    spent["the rest"] = cpu - sum(spent.values())
    largest_first = sorted(spent, key=spent.__getitem__, reverse=True)
    return {stage: 1e3 * spent[stage] / len(database.samples) for stage in largest_first}


def scaling(database: Database, folder: Path, jobs: int, rounds: int) -> dict[str, Any]:
    """Compare one worker with all of them, building and decoding."""
    tasks: dict[str, Callable[[], object]] = {
        f"{name}, {workers}": task
        for workers in (1, jobs)
        for name, task in (
            ("build", partial(build_in, folder, database, workers)),
            ("decode", partial(on_threads, workers, decode, database)),
        )
    }
    times = alternating(tasks, rounds)
    return {
        "workers": jobs,
        "seconds": {name: spread(values) for name, values in times["wall"].items()},
        "ratios": ratios(times["wall"], [(f"{name}, 1", f"{name}, {jobs}") for name in ("build", "decode")]),
    }


@contextlib.contextmanager
def long_clips(clip: PlannedClip, lengths: tuple[int, ...]) -> Iterator[Database]:
    """Make a database whose clips show the frames of one clip again and again."""
    files = [listing.list_frames(clip.path)[number] for number in clip.numbers]
    rows = ["subject,clip,path,onset,apex,offset,emotion"]
    with tempfile.TemporaryDirectory(dir=clip.path.parent) as aside:
        for length in lengths:
            folder = Path(aside) / f"{length}"
            folder.mkdir()
            for number in range(length):
                os.link(files[number % len(files)], folder / f"{number}{files[0].suffix}")
            rows.append(f"s1,{length:05},{length},0,{length // 2},{length - 1},others")
        table = Path(aside) / "table.csv"
        table.write_text("\n".join(rows) + "\n", encoding="utf-8")
        yield load_dataset("manifest", table)


def by_length(clip: PlannedClip, lengths: tuple[int, ...], rounds: int) -> list[dict[str, Any]]:
    """Time rendering clips of growing length with one worker."""
    with long_clips(clip, lengths) as database:
        recipe = default_recipe(database)
        clips = make_plan(database, recipe).clips
        tasks: dict[str, Callable[[], object]] = {
            f"{len(clip.numbers)}": partial(rendering.render, clip, recipe) for clip in clips
        }
        times = alternating(tasks, rounds)
    return [
        {"frames": int(name), "wall": spread(times["wall"][name]), "cpu": spread(times["cpu"][name])} for name in tasks
    ]


def startup(clip: PlannedClip, rounds: int) -> dict[str, Any]:
    """Time ``mer-di build`` of a database of one clip, less the decoding of that clip."""
    with long_clips(clip, (len(clip.numbers),)) as database, tempfile.TemporaryDirectory() as folder:
        arguments = ["build", "--dataset", "manifest", "--root", database.table, "--align", "similarity", "--overwrite"]
        command = [sys.executable, "-c", COMMAND, *map(str, arguments), "--out", str(Path(folder) / "cache.h5")]
        tasks: dict[str, Callable[[], object]] = {
            "command": partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL),
            "decode": partial(decode, clip),
        }
        wall = alternating(tasks, rounds)["wall"]
    outside = [whole - part for whole, part in zip(wall["command"], wall["decode"], strict=True)]
    return {"seconds": {name: spread(values) for name, values in wall.items()}, "outside decoding": spread(outside)}


def describe(database: Database) -> dict[str, Any]:
    """Return the size of a database and of its frames."""
    clips = make_plan(database, default_recipe(database)).clips
    first = next(frames.read_frames(clips[0].path, clips[0].numbers))
    sizes = [file.stat().st_size for clip in clips for file in listing.list_frames(clip.path).values()]
    return {
        "clips": len(clips),
        "frames": sum(len(clip.numbers) for clip in clips),
        "width": first.shape[1],
        "height": first.shape[0],
        "grey": frames.one_channel(first) is not None,
        "bytes_a_frame": statistics.mean(sizes),
        "region": statistics.median(region_share(clip, default_recipe(database)) for clip in clips),
    }


def region_share(clip: PlannedClip, recipe: Recipe) -> float:
    """Return the share of a frame's pixels that its crop is made of."""
    first = next(frames.read_frames(clip.path, clip.numbers))
    height, width = first.shape[:2]
    rows, columns = warp.region(rendering.place(first, recipe, recipe.size), recipe.size, height, width)
    return float((rows.stop - rows.start) * (columns.stop - columns.start) / (height * width))


def simplejpeg_version() -> str | None:
    """Return the version of the fast decoder, None where it is not installed."""
    try:
        return version("simplejpeg")
    except PackageNotFoundError:
        return None


def main() -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=processors())
    parser.add_argument(
        "--data", type=Path, default=platformdirs.user_cache_path("mer_di", appauthor=False) / "benchmarks"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one subject a database, 2 rounds, clips of up to 125 frames"
    )
    given = parser.parse_args()
    rounds, lengths = (2, LENGTHS[:5]) if given.quick else (given.rounds, LENGTHS)
    databases = draw(given.data, 1 if given.quick else None)
    before = machine()
    record: dict[str, Any] = {"jobs": given.jobs}
    record |= {"rounds": rounds, "quick": given.quick, "simplejpeg": simplejpeg_version(), "databases": {}}

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for name, database in databases.items():
            found = describe(database)
            print(f"{name}: {found}", flush=True)
            found |= against_decoding(database, out, given.jobs, rounds)
            for kind, pairs in found["ratios"].items():
                for pair, ratio in pairs.items():
                    print(
                        f"  {kind:4} {pair:36} {ratio['median']:6.3f}  [{ratio['p25']:.3f}, {ratio['p75']:.3f}]",
                        flush=True,
                    )
            found["breakdown_ms_a_clip"] = breakdown(database, out)
            for stage, milliseconds in found["breakdown_ms_a_clip"].items():
                print(f"  {stage:20} {milliseconds:8.2f} ms a clip", flush=True)
            found["usual_way"] = against_the_usual_way(database, out, given.jobs, min(rounds, 2), 2 * given.jobs)
            usual = found["usual_way"]["ratios"]["wall"]["usual way / build"]
            print(f"  the usual way takes {usual['median']:.1f} times as long", flush=True)
            found["scaling"] = scaling(database, out, given.jobs, min(rounds, 5))
            for pair, ratio in found["scaling"]["ratios"].items():
                print(f"  {pair:36} {ratio['median']:6.3f}  [{ratio['p25']:.3f}, {ratio['p75']:.3f}]", flush=True)
            record["databases"][name] = found
        clip = make_plan(databases["casme2-selected"], default_recipe(databases["casme2-selected"])).clips[0]
        record["length"] = by_length(clip, lengths, min(rounds, 3))
        for row in record["length"]:
            print(f"{row['frames']:6} frames {1e3 * row['cpu']['median'] / row['frames']:8.3f} ms a frame", flush=True)
        record["startup"] = startup(clip, min(rounds, 5))
        print(f"a build of one clip spends {record['startup']['outside decoding']['median']:.2f} s outside decoding")

    keep("build", before, record)


if __name__ == "__main__":
    main()
