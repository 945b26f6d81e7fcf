"""The page of two runs side by side."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mer_di.evaluation.records import Predictions
from mer_di.evaluation.run import Run
from mer_di.evaluation.significance import compare_runs
from mer_di.recipe import differences
from mer_di.report import plots
from mer_di.report.caches import is_synthetic
from mer_di.report.page import require_place, write_page


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A sample that one run alone recognised.

    Attributes
    ----------
    sample_id, subject, label, right : str
        ``right`` is ``A`` or ``B``.
    of_a, of_b : str
        Predicted classes.
    p_a, p_b : float
        Probabilities that the runs gave the true class.
    """

    sample_id: str
    subject: str
    label: str
    right: str
    of_a: str
    of_b: str
    p_a: float
    p_b: float


def write_comparison_report(
    run_a: str | os.PathLike[str], run_b: str | os.PathLike[str], out: str | os.PathLike[str]
) -> None:
    """Write the page of two finished runs on the same samples.

    Parameters
    ----------
    run_a, run_b : path-like
        RUN_DIRs of ``mer-di train``; of several seeds, the first seed's predictions are compared.
    out : path-like
        The HTML file, self-contained; a former page is replaced.

    Raises
    ------
    RunError
        If a run is not finished, or a file of it is damaged.
    InputError
        If they tested different samples, or under different labels, or the page would replace something else.
    OSError
        If the page cannot be written.
    """
    require_place(out, run_a, run_b)
    a, b = Run(Path(run_a)), Run(Path(run_b))
    with a.as_written(), b.as_written():
        write_page(out, "comparison", _content(a, b))


def _content(a: Run, b: Run) -> dict[str, Any]:
    tests = compare_runs(a, b)
    ours, theirs = a.predictions(), _ordered(b.predictions(), a.predictions())
    both = int((ours.correct & theirs.correct).sum())
    config_a, config_b = a.config(), b.config()
    datasets = [cache["dataset"] for config in (config_a, config_b) for cache in config["caches"]]
    people, counts = np.unique(ours.subjects, return_counts=True)
    change = theirs.correct.astype(int) - ours.correct
    mean_change = [float(change[ours.subjects == name].mean()) for name in people]
    return {
        "title": f"{_name(a)} against {_name(b)}",
        "names": (str(a.folder), str(b.folder)),
        "results": (a.results(), b.results()),
        "tests": tests,
        "both": both,
        "neither": tests.n - both - tests.only_a - tests.only_b,
        "changes": [line.partition(": ") for line in differences(json.dumps(config_a), json.dumps(config_b))],
        "people": plots.subject_difference(people.tolist(), mean_change, counts.tolist()),
        "rows": _disagreements(ours, theirs),
        "synthetic": any(map(is_synthetic, datasets)),
        "shuffled": any(run.results()["validation"]["labels"] == "shuffled" for run in (a, b)),
    }


def _name(run: Run) -> str:
    return run.folder.resolve().name


def _ordered(predictions: Predictions, like: Predictions) -> Predictions:
    """Return predictions in the order of others on the same samples."""
    place = {name: index for index, name in enumerate(predictions.sample_ids)}
    order = [place[name] for name in like.sample_ids]
    return Predictions(
        predictions.sample_ids[order],
        predictions.subjects[order],
        predictions.labels[order],
        predictions.predicted[order],
        predictions.probabilities[order],
        predictions.classes,
    )


def _disagreements(a: Predictions, b: Predictions) -> list[Disagreement]:
    return [
        Disagreement(
            sample_id=str(a.sample_ids[i]),
            subject=str(a.subjects[i]),
            label=str(a.labels[i]),
            right="A" if a.correct[i] else "B",
            of_a=str(a.predicted[i]),
            of_b=str(b.predicted[i]),
            p_a=_of_label(a, int(i)),
            p_b=_of_label(b, int(i)),
        )
        for i in np.flatnonzero(a.correct != b.correct)
    ]


def _of_label(predictions: Predictions, index: int) -> float:
    return float(predictions.probabilities[index, predictions.classes.index(str(predictions.labels[index]))])
