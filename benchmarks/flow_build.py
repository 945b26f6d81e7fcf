"""What optical flow costs a build: with each engine over without, and how much of it is the engine.

    python benchmarks/flow_build.py [--quick] [--rounds 5] [--clips 12] [--jobs N] [--data FOLDER]

On some clips of CASME II's cropped faces and of SAMM's whole frames, as `build.py` draws them, whole builds alternate
in a new order every round; a ratio is that of two times of one round. The share is that of the time of a build with
one worker that passes within the estimator, both flows of a clip. The figures go to
``benchmarks/results/<date>-flow-build.json``.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import platformdirs
from build import alternating, draw, ratios, spread
from machine import keep, machine

from mer_di.building import build
from mer_di.building.defaults import default_recipe
from mer_di.datasets import Database
from mer_di.executors import local, processors
from mer_di.imaging import flow
from mer_di.imaging.flow import ENGINES
from mer_di.streams import FlowEngine

DATABASES = ("casme2-cropped", "samm")
WITHOUT = "without"


def build_with(engine: FlowEngine | None, folder: Path, database: Database, jobs: int) -> None:
    """Build the whole cache, with the flow of an engine or with none."""
    recipe = replace(default_recipe(database), flow=engine)
    with local("threads", jobs) as executor:
        build.build_cache(database, folder / "cache.h5", recipe, executor=executor, overwrite=True)


def share(engine: FlowEngine, folder: Path, database: Database) -> float:
    """Return the share of a build's time that passes within the estimator."""
    within = 0.0
    estimate = flow.flow

    def watched(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever is watched
        nonlocal within
        started = time.perf_counter()
        try:
            return estimate(*arguments, **options)
        finally:
            within += time.perf_counter() - started

    with mock.patch.object(flow, "flow", watched):
        started = time.perf_counter()
        build_with(engine, folder, database, 1)
        return within / (time.perf_counter() - started)


def measure(database: Database, jobs: int, rounds: int) -> dict[str, Any]:
    """Compare builds of a database with every engine with one that has none."""
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        engines: dict[str, FlowEngine | None] = {WITHOUT: None} | {engine: engine for engine in ENGINES}
        times = alternating(
            {name: partial(build_with, engine, folder, database, jobs) for name, engine in engines.items()}, rounds
        )
        shares = {engine: share(engine, folder, database) for engine in ENGINES}
    pairs: list[tuple[str, str]] = [(engine, WITHOUT) for engine in ENGINES]
    return {
        "clips": len(database.samples),
        "seconds": {kind: {name: spread(values) for name, values in times[kind].items()} for kind in times},
        "ratios": {kind: ratios(times[kind], pairs) for kind in times},
        "share": shares,
    }


def main() -> None:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=processors())
    parser.add_argument(
        "--data", type=Path, default=platformdirs.user_cache_path("mer_di", appauthor=False) / "benchmarks"
    )
    parser.add_argument("--quick", action="store_true", help="3 clips of one subject, 2 rounds")
    given = parser.parse_args()
    rounds, clips = (2, 3) if given.quick else (given.rounds, given.clips)
    databases = draw(given.data, 1 if given.quick else None)
    before = machine()
    record: dict[str, Any] = {"jobs": given.jobs, "rounds": rounds, "quick": given.quick, "databases": {}}
    for name in DATABASES:
        samples = databases[name].samples
        some = replace(databases[name], samples=samples[:: max(1, len(samples) // clips)][:clips])
        record["databases"][name] = found = measure(some, given.jobs, rounds)
        for engine in ENGINES:
            ratio = found["ratios"]["cpu"][f"{engine} / {WITHOUT}"]["median"]
            print(f"{name}: {engine} {ratio:.1f} times without, the engine {found['share'][engine]:.0%}", flush=True)
    keep("flow-build", before, record)


if __name__ == "__main__":
    main()
