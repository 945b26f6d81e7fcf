"""What the trainings of LEARNet on drawn faces gave, from the newest record of ``benchmarks/learnet.py``."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from markdown_parts import table
from measured import newest

_STATISTICS = {
    "epoch": "averaged over each epoch, as here",
    "0.01": "moved by 1 % a step, as in Keras",
    "0.1": "moved by 10 % a step, PyTorch's default",
}
_TRAINED_AT = {"annotated": "at the annotated apex", "drawn": "`--apex-jitter`"}


def batch_statistics() -> str:
    """Return the accuracy of each seed under three ways to keep statistics of batch normalization."""
    record = newest("learnet")
    rows = [(_STATISTICS[name], *map(_percent, _each(runs, "accuracy"))) for name, runs in record["statistics"].items()]
    return table(("statistics of batch normalization", *(f"seed {seed}" for seed in record["seeds"])), rows)


def apexes_tried() -> str:
    """Return what each seed's network says at the neighbouring apexes."""
    rows = [
        (
            _TRAINED_AT[name],
            *(_seeds(_each(runs, rate)) for rate in ("accuracy", "certain", "possible")),
            _seeds([run["possible"] - run["certain"] for run in runs]),
            _seeds(_each(runs, "changed_predictions")),
        )
        for name, runs in newest("learnet")["apexes"].items()
    ]
    heads = ("training", "accuracy", "at every apex", "at any apex", "points between", "predictions that change")
    return table(heads, rows)


def moved_apexes() -> str:
    """Return the accuracies where the table's apexes are exact, and where they are not."""
    record = newest("learnet")
    exact, moved = record["apexes"], record["moved_apexes"]
    rows = [
        ("as the table has them", _spread(exact["annotated"]), _spread(moved["annotated"])),
        (f"a cache of `--apex-sigma {record['moved_by']:g}`", "", _spread(moved["expected"])),
        ("`--apex-jitter`", _spread(exact["drawn"]), _spread(moved["drawn"])),
    ]
    return table(("trained on apexes", "exact", f"moved, by {record['apex_distance']:.1f} frames on average"), rows)


def _each(runs: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [run[name] for run in runs]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _seeds(shares: Sequence[float]) -> str:
    return ", ".join(map(_percent, shares))


def _spread(runs: Sequence[Mapping[str, Any]]) -> str:
    accuracies = _each(runs, "accuracy")
    return f"{_percent(mean(accuracies))} ± {_percent(stdev(accuracies))}"
