"""The page of a run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mer_di.cache import open_cache
from mer_di.errors import InputError
from mer_di.evaluation.records import FoldRecord, Predictions
from mer_di.evaluation.run import Run
from mer_di.report import plots
from mer_di.report.attention import Attention, attentions
from mer_di.report.caches import UsedCache, find_caches, is_synthetic
from mer_di.report.figure import Figure
from mer_di.report.gallery import ROOM, Card, Verdict, make_cards, viewer_settings
from mer_di.report.page import require_place, write_page
from mer_di.report.paper import paper_number

_NOT_SETTINGS = ("caches", "seed", "label_scheme")
_OF_OLD: dict[str, Any] = {"per_dataset": [], "only_in": {}, "label_scheme": None}
"""What the results of older runs lack."""


def write_run_report(
    run_dir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    caches: Sequence[str | os.PathLike[str]] | None = None,
    *,
    frames: bool = True,
) -> None:
    """Write the page of a finished run.

    Parameters
    ----------
    run_dir : path-like
        RUN_DIR of ``mer-di train``. Of several seeds, the first seed's predictions and folds are shown.
    out : path-like
        The HTML file, self-contained; a former page is replaced.
    caches : sequence of path-like, optional
        The caches that the run was trained on, for its pictures; by default they are looked for where they were, in
        RUN_DIR, and in the three folders above it. They are known by their digests: another file is never used, and the
        page says so.
    frames : bool
        Show key frames, which are faces, where the caches have them.

    Raises
    ------
    RunError
        If the run is not finished, or a file of it is damaged.
    CacheError, InputError
        If a file that was given is no cache that a run could be trained on, or the page would replace something else.
    OSError
        If the page cannot be written.
    """
    require_place(out, run_dir, *(caches or ()))
    run = Run(Path(run_dir))
    with run.as_written():
        write_page(out, "run", _content(run, caches, frames))


def _content(run: Run, caches: Sequence[str | os.PathLike[str]] | None, frames: bool) -> dict[str, Any]:
    results, config, predictions = _OF_OLD | run.results(), run.config(), run.predictions()
    folds = _folds(run)
    origins = find_caches(run, caches)
    rows = _rows(origins, config)
    cards = _misclassified(predictions, rows, frames)
    explained, problem = _attentions(run, predictions, folds, rows, frames)
    return {
        "title": run.folder.resolve().name,
        "results": results,
        "config": {name: value for name, value in config.items() if name not in _NOT_SETTINGS},
        "dataset": " + ".join(origin.dataset for origin in origins),
        "synthetic": any(is_synthetic(origin.dataset) for origin in origins),
        "shuffled": results["validation"]["labels"] == "shuffled",
        "paper": paper_number(config, origins[0].dataset) if len(origins) == 1 else None,
        "shares": _shares(results["confusion"]),
        "people": plots.subject_accuracy(results["per_subject"], results["accuracy"]),
        "folds": _small_multiples(list(folds.values())),
        "origins": origins,
        "wrong": int((~predictions.correct).sum()),
        "cards": cards,
        "viewer": viewer_settings(cards),
        "attentions": explained,
        "attention_problem": problem,
    }


@dataclass(frozen=True, slots=True)
class _Fold:
    """One small multiple of the learning curves."""

    name: str
    samples: int
    best_epoch: int
    epochs: int
    validation: str
    curve: Figure


def _folds(run: Run) -> dict[str, FoldRecord]:
    names = sorted(path.name for path in (run.folder / "folds").glob("*.json"))
    return {name: record for name in names if (record := run.fold(name))}


def _small_multiples(records: Sequence[FoldRecord]) -> list[_Fold]:
    epochs = max((len(record.history) for record in records), default=1)
    losses = [
        row[name] for record in records for row in record.history for name in ("training_loss", "validation_loss")
    ]
    loss = max((value for value in losses if value is not None), default=1.0)
    return [
        _Fold(
            name=record.name,
            samples=len(record.sample_ids),
            best_epoch=record.best_epoch,
            epochs=len(record.history),
            validation=", ".join(record.validation_subjects) or "none",
            curve=plots.learning_curve(number, record.history, record.best_epoch, epochs=epochs, loss=loss),
        )
        for number, record in enumerate(records)
    ]


def _shares(confusion: list[list[int]]) -> list[list[float]]:
    counts = np.array(confusion, dtype=np.float64)
    shares: list[list[float]] = (counts / np.maximum(1, counts.sum(axis=1, keepdims=True))).tolist()
    return shares


def _rows(origins: Sequence[UsedCache], config: Mapping[str, Any]) -> dict[str, tuple[Path, int]]:
    """Return each sample's cache and row, under the name by which the run knows it: per image, see `Corpus`."""
    rows: dict[str, tuple[Path, int]] = {}
    endings = [f"/{stream}" for stream in config["streams"]] if config.get("test_images") == "per-image" else [""]
    for origin in origins:
        prefix = f"{origin.dataset}/" if len(origins) > 1 else ""
        if origin.path:
            with open_cache(origin.path) as cache:
                names = cache.column("sample_id")
            rows |= {
                f"{prefix}{name}{ending}": (origin.path, row) for row, name in enumerate(names) for ending in endings
            }
    return rows


def _misclassified(predictions: Predictions, rows: dict[str, tuple[Path, int]], frames: bool) -> list[Card]:
    """Return cards of the samples that were not recognised, the most certain errors first."""
    names = predictions.sample_ids.tolist()
    wrong = [int(i) for i in np.flatnonzero(~predictions.correct) if names[i] in rows]
    cards = []
    for path in dict.fromkeys(rows[names[i]][0] for i in wrong):
        of_cache = [i for i in wrong if rows[names[i]][0] == path]
        with open_cache(path) as cache:
            found = make_cards(cache, [rows[names[i]][1] for i in of_cache], ROOM / len(wrong), frames=frames)
        cards += [
            replace(card, sample_id=names[i], subject=str(predictions.subjects[i]), verdict=_verdict(predictions, i))
            for i, card in zip(of_cache, found, strict=True)
        ]
    return sorted(cards, key=lambda card: -card.verdict.probability if card.verdict else 0)


def _verdict(predictions: Predictions, index: int) -> Verdict:
    label, row = str(predictions.labels[index]), predictions.probabilities[index]
    of_label = float(row[predictions.classes.index(label)])
    return Verdict(label, str(predictions.predicted[index]), float(row.max()), of_label)


def _attentions(
    run: Run,
    predictions: Predictions,
    folds: dict[str, FoldRecord],
    rows: dict[str, tuple[Path, int]],
    frames: bool,
) -> tuple[list[Attention], str]:
    """Return the explained samples, or none and why."""
    files = {name: file for file, record in folds.items() for name in record.sample_ids}
    if not any(run.network(file).exists() for file in folds):
        return [], "The networks of the folds were not kept; mer-di train --save-networks keeps them."
    if not rows:
        return [], "The caches of this run were not found, so there is nothing to explain the networks on."
    try:
        return attentions(run, predictions, files, rows, frames=frames), ""
    except InputError as error:
        return [], f"{error}."
