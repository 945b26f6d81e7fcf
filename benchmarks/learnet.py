"""LEARNet on a drawn database: what its running statistics, and an apex that is not sure, do to its accuracy.

    python benchmarks/learnet.py [--seeds 0 1 2]

Drawn people in MMEW's layout, DI-Onset alone, folds of people, no validation. Apexes are exact, then moved by a normal
draw each. The figures go to ``benchmarks/results/<date>-learnet.json``.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from machine import keep, machine
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import mer_di
from mer_di.building.defaults import default_recipe
from mer_di.datasets import Database
from mer_di.evaluation.evaluate import evaluate
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig
from mer_di.synthetic import write_database

SUBJECTS, FOLDS, NEIGHBOURS, MOVED_BY = 8, 4, 6, 4.0
CONFIG = TrainConfig(
    model=ModelConfig(architecture="learnet", streams=("onset",)), epochs=10, batch_size=8, learning_rate=3e-4
)


def moved(momentum: float) -> Callable[[nn.Module], None]:
    """Return what a training calls at the start of an epoch, so that statistics move by a share a step instead."""

    def move(model: nn.Module) -> None:
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.momentum = momentum

    return move


def with_moved_apexes(database: Database) -> tuple[Database, float]:
    """Move every apex by a normal draw, within its clip; return the mean distance too."""
    onset, apex, offset = np.array([(each.onset, each.apex, each.offset) for each in database.samples]).T
    draws = np.random.default_rng(0).normal(0, MOVED_BY, len(apex)).round().astype(int)
    moved = np.clip(apex + draws, onset + 1, offset - 1)
    samples = [replace(each, apex=number) for each, number in zip(database.samples, moved.tolist(), strict=True)]
    return replace(database, samples=tuple(samples)), float(np.abs(moved - apex).mean())


class Trainings:
    """Trains on caches below a folder, once a seed."""

    def __init__(self, folder: Path, seeds: list[int]) -> None:
        self.folder, self.seeds = folder, seeds

    def cache(self, name: str, database: Database, **parameters: Any) -> Path:  # noqa: ANN401 - fields of Recipe
        """Build a cache with some parameters of the recipe."""
        out = self.folder / f"{name}.h5"
        mer_di.build_cache(database, out, default_recipe(database, **parameters))
        return out

    def run(self, name: str, cache: Path, *, jitter: bool = False, sensitivity: bool = False) -> list[dict[str, Any]]:
        """Return what came of each seed."""
        found = []
        for seed in self.seeds:
            results = evaluate(
                [cache],
                self.folder / name / str(seed),
                replace(CONFIG, apex_jitter=jitter),
                protocol=f"k-fold:{FOLDS}",
                validation="none",
                seeds=(seed,),
                apex_sensitivity=sensitivity,
                device="cpu",
            )
            print(f"{name}, seed {seed}: {results.accuracy:.3f}", flush=True)
            found.append({"accuracy": results.accuracy, **(results.apex_sensitivity or {})})
        return found


def figures(trainings: Trainings) -> dict[str, Any]:
    """Train everything; rows by their names."""
    database = mer_di.load_dataset("mmew", write_database(trainings.folder / "db", layout="mmew", subjects=SUBJECTS))
    unsure, distance = with_moved_apexes(database)
    exact = trainings.cache("exact", database, apex_jitter=NEIGHBOURS)
    off = trainings.cache("off", unsure, apex_jitter=NEIGHBOURS)
    expected = trainings.cache("expected", unsure, apex_sigma=MOVED_BY)
    apexes = {
        "annotated": trainings.run("annotated", exact, sensitivity=True),
        "drawn": trainings.run("drawn", exact, jitter=True, sensitivity=True),
    }
    moved_apexes = {
        "annotated": trainings.run("moved", off),
        "expected": trainings.run("expected", expected),
        "drawn": trainings.run("moved-drawn", off, jitter=True),
    }
    statistics = {"epoch": apexes["annotated"]}
    for momentum in (0.01, 0.1):
        with patch("mer_di.learning.train.restart_statistics", moved(momentum)):
            statistics[f"{momentum:g}"] = trainings.run(f"momentum-{momentum:g}", exact)
    return {
        "samples": len(database.samples),
        "apex_distance": distance,
        "statistics": statistics,
        "apexes": apexes,
        "moved_apexes": moved_apexes,
    }


def main() -> None:
    """Train, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    before = machine()
    setting = {"subjects": SUBJECTS, "folds": FOLDS, "neighbours": NEIGHBOURS, "moved_by": MOVED_BY, "seeds": seeds}
    with tempfile.TemporaryDirectory() as folder:
        found = figures(Trainings(Path(folder), seeds))
    keep("learnet", before, {**setting, "config": asdict(CONFIG), **found})


if __name__ == "__main__":
    main()
