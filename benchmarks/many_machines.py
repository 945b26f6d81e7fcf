"""What one more clip costs a build on many machines, besides decoding: its row, its task, and joining it.

    python benchmarks/many_machines.py [--rows 100] [--tasks 500]

Rows of 224 pixels are written as workers write them, brought to the disk as often as a build does, and joined as
``mer-di merge`` does; tasks with the arguments of a real build, that do nothing, go through a Dask scheduler on this
machine. The figures go to ``benchmarks/results/<date>-many-machines.json``; with those of `build.py` they give the
table of ``docs/many_machines.md``.
"""

import argparse
import pickle
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import keep, machine

from mer_di.building.entry import cache_entry
from mer_di.building.merge import merge_caches
from mer_di.building.plan import PlannedClip
from mer_di.building.rounds import CLIPS_A_SYNC
from mer_di.cache import Entry, Provenance, RenderedClip, Rows, make_cache, sync
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.fold import SeedRun
from mer_di.evaluation.protocol import make_folds
from mer_di.evaluation.run import Run
from mer_di.executors import cluster, finished
from mer_di.files import file_names
from mer_di.learning.train_config import TrainConfig
from mer_di.recipe import Recipe
from mer_di.sample import Sample

RECIPE = Recipe(align="none", aspect="stretch")
FRAMES = 67


def planned(number: int) -> PlannedClip:
    """Return a clip as the plan of a build has it."""
    emotion = ("happiness", "surprise")[number % 2]
    path = Path(f"/data/database/tree/sub{number % 100:02d}/clip{number:06d}")
    sample = Sample("manifest", f"sub{number % 100:02d}", f"clip{number:06d}", 1, 30, FRAMES, emotion, path=path)
    files = tuple(f"img{frame}.jpg" for frame in range(1, FRAMES + 1))
    return PlannedClip(sample, path, 1, 30, FRAMES, "table", range(30), range(29, FRAMES), files)


def image(rng: np.random.Generator) -> RenderedClip:
    """Return the row of a clip, of noise."""
    size = RECIPE.size
    di = rng.standard_normal((3, size, size, 3), np.float32)
    return RenderedClip(di, rng.integers(0, 256, di.shape, np.uint8), np.eye(2, 3), (size, size))


def written(path: Path, clips: list[PlannedClip], digest: str) -> tuple[Rows, float]:
    """Write a cache of clips; return its rows and how long that took."""
    entries: list[Entry] = sorted((cache_entry(clip) for clip in clips), key=lambda entry: entry.sample_id)
    row = image(np.random.default_rng(0))
    started = time.perf_counter()
    rows = make_cache(path, Provenance("manifest", digest, "", RECIPE), entries, {})
    for index, entry in enumerate(entries):
        rows.write(index, entry.sample_id, row)
        if index % CLIPS_A_SYNC == 0:
            sync(path)
    sync(path)
    return rows, time.perf_counter() - started


def nothing(*_: object) -> None:
    """Do what a task costs without its work."""


def _named(*_: object) -> str:
    return "nothing"


def handed_out(rows: Rows, tasks: int) -> float:
    """Return the processor time that client and scheduler, in this process, take to hand out tasks that do nothing."""
    from distributed import LocalCluster

    calls = {number: (planned(number), RECIPE, None, rows, number) for number in range(tasks)}
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as local,
        cluster(local.scheduler_address) as executor,
    ):
        dict(finished(executor, nothing, {0: calls[0]}, _named))  # the worker has imported everything
        started = time.process_time()
        dict(finished(executor, nothing, calls, _named))
        return time.process_time() - started


def bytes_of_a_fold(path: Path) -> int:
    """Return the bytes that the task of a fold takes; the images of a cache are read by its worker."""
    corpus = read_corpus([path])
    columns = {"subjects": corpus.subjects, "labels": corpus.labels, "datasets": corpus.datasets}
    folds = make_folds("loso", "none", **columns, seed=0)
    files = file_names(fold.name for fold in folds)
    run = SeedRun(Run(Path("run")), {}, corpus, (), files, TrainConfig(), 0, "cpu", False, False, False)
    return len(pickle.dumps((run, folds[0])))


def main() -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=500)
    given = parser.parse_args()
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        halves = [Path(folder) / "a.h5", Path(folder) / "b.h5"]
        rows, seconds = written(halves[0], [planned(number) for number in range(given.rows)], "0" * 64)
        written(halves[1], [planned(number) for number in range(given.rows, 2 * given.rows)], "1" * 64)
        started = time.perf_counter()
        merge_caches(halves, Path(folder) / "both.h5")
        merging = time.perf_counter() - started
        fold = bytes_of_a_fold(halves[0])
    record = {
        "size": RECIPE.size,
        "rows": given.rows,
        "tasks": given.tasks,
        "frames_a_clip": FRAMES,
        "bytes_a_row": sum(kind.itemsize for kind in rows.fields.values()),
        "bytes_a_task": len(pickle.dumps((planned(0), RECIPE, None, rows, 0))),
        "bytes_a_fold": fold,
        "seconds_to_write_a_row": seconds / given.rows,
        "seconds_to_join_a_row": merging / (2 * given.rows),
        "seconds_to_hand_out_a_task": handed_out(rows, given.tasks) / given.tasks,
    }
    for name, value in record.items():
        print(f"{name:28} {value}")
    keep("many-machines", before, record)


if __name__ == "__main__":
    main()
