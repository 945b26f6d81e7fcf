"""What each guard of a build costs: the build with all of them, and without one at a time.

    python benchmarks/guards.py [--rounds 15] [--jobs N] [--data FOLDER]

The trees are those of `build.py`. Every round builds the same cache with all guards and without each, in a new order; a
cost is the ratio of two times of one round, less one. The figures go to ``benchmarks/results/<date>-guards.json``.
"""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import platformdirs
from build import alternating, build_in, draw, ratios
from machine import keep, machine

from mer_di.building import build, destination, rendering, rounds
from mer_di.cache import rows
from mer_di.datasets import Database
from mer_di.executors import processors
from mer_di.imaging import frames, image

TREES = ("casme2-cropped", "casme2-selected")
ALL = "all guards"


class NoDigest:
    """Takes everything and says nothing of it."""

    def __init__(self, _data: bytes = b"") -> None:
        pass

    def update(self, data: object) -> None:
        """Forget it."""

    def hexdigest(self) -> str:
        """Return a text of the usual length."""
        return "0" * 32


def read_plainly(file: str) -> bytes:
    """Read a file and ask nothing."""
    with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 - as the build does
        return opened.readall()


@contextlib.contextmanager
def no_second_look() -> Iterator[None]:
    """Believe that rows hold what was written to them, before the file gets its name and after."""
    with mock.patch.object(rounds, "unlike", return_value=[]), mock.patch.object(build, "unlike", return_value=[]):
        yield


WITHOUT: dict[str, Callable[[], contextlib.AbstractContextManager[object]]] = {
    "digest of the frames' files": partial(mock.patch.object, rendering, "xxh3_128", NoDigest),
    "digest of a row": partial(mock.patch.object, rows, "xxh3_128", NoDigest),
    "rows read again at the end": no_second_look,
    "size in an image's header": partial(mock.patch.object, image, "declared_size", lambda _: (1, 1)),
    "file unchanged while read": partial(mock.patch.object, frames, "read_file", read_plainly),
    "room reserved on the disk": partial(
        mock.patch.object, os, "posix_fallocate", lambda file, _, length: os.ftruncate(file, length)
    ),
    "order to the disk": partial(mock.patch.object, os, "fsync", lambda _: None),
    "one build at a time": partial(mock.patch.object, destination, "held", lambda *_: contextlib.nullcontext()),
}


def without(guards: list[str], task: Callable[[], None]) -> None:
    """Build as if some guards were not there."""
    with contextlib.ExitStack() as patches:
        for guard in guards:
            patches.enter_context(WITHOUT[guard]())
        task()


def costs(database: Database, folder: Path, jobs: int, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return wall and processor time with all guards over that without each, and without any."""
    whole = partial(build_in, folder, database, jobs)
    tasks: dict[str, Callable[[], object]] = {ALL: whole, "none": partial(without, list(WITHOUT), whole)}
    tasks |= {guard: partial(without, [guard], whole) for guard in WITHOUT}
    times = alternating(tasks, rounds)
    return {kind: ratios(of, [(ALL, name) for name in tasks if name != ALL]) for kind, of in times.items()}


def main() -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--jobs", type=int, default=processors())
    parser.add_argument(
        "--data", type=Path, default=platformdirs.user_cache_path("mer_di", appauthor=False) / "benchmarks"
    )
    given = parser.parse_args()
    databases, before = draw(given.data, None), machine()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for tree in TREES:
            found[tree] = costs(databases[tree], Path(folder), given.jobs, given.rounds)
            for kind, of in found[tree].items():
                for name, ratio in of.items():
                    print(
                        f"{tree} {kind:4} {name:42} {ratio['median']:6.3f}  [{ratio['p25']:.3f}, {ratio['p75']:.3f}]",
                        flush=True,
                    )
    keep("guards", before, {"jobs": given.jobs, "rounds": given.rounds, "with all over without": found})


if __name__ == "__main__":
    main()
