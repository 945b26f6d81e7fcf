"""From finished folds to the results of a run."""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mer_di
from mer_di.errors import InputError
from mer_di.evaluation.corpus import Corpus
from mer_di.evaluation.metrics import bootstrap_intervals, per_subject, scores
from mer_di.evaluation.records import FoldRecord, Predictions

_PACKAGES = ("torch", "timm", "numpy", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a run, as ``results.json`` holds them. Rates are fractions.

    Attributes
    ----------
    n : int
        Samples, each tested once. Under ``per-image`` a sample is one image, and there are several a clip.
    accuracy, uf1, uar : float
        Pooled over folds; see `mer_di.evaluation.metrics.scores`.
    classes : list of str
        In label order.
    confusion : list of list of int
        Rows are true classes, columns predicted ones.
    intervals : dict or None
        Bootstrap over subjects; see `mer_di.evaluation.metrics.Intervals`. None with a single subject.
    per_subject : list of dict
        ``subject``, ``n``, ``correct``, ``accuracy``.
    per_class : list of dict
        ``name``, ``n``, ``precision``, ``recall``, ``f1``, and ``untrained``: how many of its samples were tested by
        a network that had no training sample of it.
    per_dataset : list of dict
        ``dataset``, ``n``, ``subjects``, ``accuracy``, ``uf1`` and ``uar`` of each database alone, of the same pooled
        predictions.
    only_in : dict of str to str
        Each class that only one of several databases has, and that database: the class gives it away.
    label_scheme : dict or None
        ``name``, ``title`` and ``sha256`` of the scheme; ``left_out``, how many samples (``n``) of which ``dataset``
        for which ``reason``; ``absent``, the ``dataset`` and ``sample_id`` of what it leaves out by name and
        the table lacks; ``published``, for each ``dataset`` and ``label`` whose samples the scheme's source
        states, ``n`` here and ``published``. None where emotions are the classes.
    seeds : dict
        ``values``; and for ``accuracy``, ``uf1`` and ``uar`` the ``mean``, sample standard deviation ``sd`` (None
        with one seed) and ``each``. Everything else in these results is the first seed's.
    validation : dict
        ``rule``, ``protocol``, ``folds`` and ``labels`` (``annotated``, or ``shuffled`` in a control).
    test_images : str or None
        What was tested after temporal augmentation, see `mer_di.learning.model_config.ModelConfig`; None without it.
    untrained_terms : dict of str to list of str
        Fold to the terms of the loss that it trained without, and why.
    audit : dict or None
        What choosing each fold's best epoch on its own test subject would have given: ``honest`` (the accuracy
        above), ``best_epoch_on_test`` and ``inflation_points``. None if it was not asked for.
    precision : dict
        In which precision training steps were taken: see `mer_di.learning.precision_trial.PrecisionChoice`.
    caches : list of dict
        ``dataset`` and ``path`` of each cache, where it lay; ``config.json`` holds its digest.
    seconds : float
        Wall time of all folds, added up; folds that ran in parallel took less together.
    versions : dict of str to str
        Of mer_di, Python and the packages that compute; and the device.
    apex_sensitivity : dict or None
        How much hangs on the annotator's frame, by the networks of the folds at the K ``neighbours`` of each apex:
        ``accuracy_beside``, the mean over neighbours; ``certain`` and ``possible``, the share of samples recognised at
        every apex and at any, the annotated one among them; ``points``, what lies between, in percent;
        ``changed_predictions``, the share of samples and neighbours at which another class is predicted than at the
        annotated apex; ``changed_samples``, the share of samples with any such neighbour. None if it was not asked for.
    """

    n: int
    accuracy: float
    uf1: float
    uar: float
    classes: list[str]
    confusion: list[list[int]]
    intervals: dict[str, Any] | None
    per_subject: list[dict[str, Any]]
    per_class: list[dict[str, Any]]
    per_dataset: list[dict[str, Any]]
    only_in: dict[str, str]
    label_scheme: dict[str, Any] | None
    seeds: dict[str, Any]
    validation: dict[str, Any]
    test_images: str | None
    untrained_terms: dict[str, list[str]]
    audit: dict[str, float] | None
    precision: dict[str, Any]
    caches: list[dict[str, str]]
    seconds: float
    versions: dict[str, str]
    apex_sensitivity: dict[str, float] | None = None


def pool(corpus: Corpus, records: Sequence[FoldRecord]) -> Predictions:
    """Put the predictions of all folds together, in the corpus' order.

    Raises
    ------
    InputError
        If a sample was not tested exactly once; some of them are named.
    """
    tested = [name for record in records for name in record.sample_ids]
    names, times = np.unique([*tested, *corpus.sample_ids], return_counts=True)
    if len(tested) != len(corpus) or (times != 2).any():
        wrong = [str(name) for name in names[times != 2][:3]]
        raise InputError(f"expected every sample to be tested exactly once; not so: {', '.join(wrong)}")
    rows = dict(zip(tested, (row for record in records for row in record.probabilities), strict=True))
    probabilities = np.array([rows[str(name)] for name in corpus.sample_ids], dtype=np.float64)
    classes = np.array(corpus.classes)
    predicted = classes[probabilities.argmax(axis=1)]
    return Predictions(
        corpus.sample_ids, corpus.subjects, classes[corpus.labels], predicted, probabilities, corpus.classes
    )


def summarize(
    corpus: Corpus,
    predictions: Predictions,
    records: Sequence[FoldRecord],
    *,
    seed: int,
    validation: dict[str, Any],
    test_images: str | None,
    precision: dict[str, Any],
) -> Results:
    """Score the pooled predictions of one seed.

    Parameters
    ----------
    corpus : Corpus
    predictions : Predictions
        From `pool`.
    records : sequence of FoldRecord
    seed : int
    validation, precision : dict
    test_images : str or None
        See `Results`.

    Returns
    -------
    Results
    """
    labels, guessed = corpus.labels, predictions.probabilities.argmax(axis=1)
    pooled = scores(labels, guessed, corpus.classes)
    intervals = bootstrap_intervals(labels, guessed, corpus.subjects, len(corpus.classes))
    untrained = _untrained(corpus, records)
    people = per_subject(labels, guessed, corpus.subjects)
    return Results(
        n=pooled.n,
        accuracy=pooled.accuracy,
        uf1=pooled.uf1,
        uar=pooled.uar,
        classes=list(corpus.classes),
        confusion=pooled.confusion.tolist(),
        intervals=None if intervals is None else _listed(asdict(intervals)),
        per_subject=[{**asdict(person), "accuracy": person.accuracy} for person in people],
        per_class=[{**asdict(row), "untrained": untrained[row.name]} for row in pooled.per_class],
        per_dataset=[_of_dataset(corpus, guessed, source.dataset) for source in corpus.sources],
        only_in=corpus.only_in,
        label_scheme=_label_scheme(corpus),
        seeds=_spread([seed], [pooled.accuracy], [pooled.uf1], [pooled.uar]),
        validation={**validation, "folds": len(records)},
        test_images=test_images,
        untrained_terms={record.name: record.untrained_terms for record in records if record.untrained_terms},
        audit=_audit(pooled.accuracy, pooled.n, records),
        precision=precision,
        caches=[{"dataset": source.dataset, "path": str(source.path)} for source in corpus.sources],
        seconds=sum(record.seconds for record in records),
        versions=_versions(records),
        apex_sensitivity=_sensitivity(corpus, guessed, records),
    )


def over_seeds(each: Sequence[Results]) -> Results:
    """Return the first seed's results with the mean and spread over all seeds.

    Parameters
    ----------
    each : sequence of Results
        One a seed, each of a single seed.

    Returns
    -------
    Results
    """
    seeds = [seed for results in each for seed in results.seeds["values"]]
    rates = ([results.accuracy for results in each], [results.uf1 for results in each], [r.uar for r in each])
    return replace(each[0], seeds=_spread(seeds, *rates))


def _of_dataset(corpus: Corpus, guessed: NDArray[np.int64], dataset: str) -> dict[str, Any]:
    here = corpus.datasets == dataset
    found = scores(corpus.labels[here], guessed[here], corpus.classes)
    rates = {"accuracy": found.accuracy, "uf1": found.uf1, "uar": found.uar}
    return {"dataset": dataset, "n": found.n, "subjects": len(np.unique(corpus.subjects[here])), **rates}


def _label_scheme(corpus: Corpus) -> dict[str, Any] | None:
    if corpus.scheme is None:
        return None
    counts = corpus.counts
    return {
        "name": corpus.scheme.name,
        "title": corpus.scheme.title,
        "sha256": corpus.scheme.sha256,
        "left_out": [asdict(each) for each in corpus.left_out],
        "absent": [{"dataset": dataset, "sample_id": sample_id} for dataset, sample_id in corpus.absent],
        "published": [
            {"dataset": dataset, "label": label, "n": counts.get((dataset, label), 0), "published": n}
            for (dataset, label), n in corpus.published.items()
        ],
    }


def _spread(seeds: list[int], accuracy: list[float], uf1: list[float], uar: list[float]) -> dict[str, Any]:
    rates = {"accuracy": accuracy, "uf1": uf1, "uar": uar}
    return {"values": seeds} | {
        name: {"mean": mean(values), "sd": stdev(values) if len(values) > 1 else None, "each": values}
        for name, values in rates.items()
    }


def _listed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as JSON gives them back: lists for tuples."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _untrained(corpus: Corpus, records: Sequence[FoldRecord]) -> dict[str, int]:
    emotion = dict(zip(corpus.sample_ids.tolist(), corpus.labels.tolist(), strict=True))
    counts = dict.fromkeys(corpus.classes, 0)
    for record in records:
        for name in record.sample_ids:
            label = corpus.classes[emotion[name]]
            counts[label] += label in record.untrained_classes
    return counts


def _audit(honest: float, n: int, records: Sequence[FoldRecord]) -> dict[str, float] | None:
    audited = [record.test_correct for record in records if record.test_correct is not None]
    if not audited:
        return None
    best = sum(max(epochs) for epochs in audited) / n
    return {"honest": honest, "best_epoch_on_test": best, "inflation_points": 100 * (best - honest)}


def _sensitivity(corpus: Corpus, guessed: NDArray[np.int64], records: Sequence[FoldRecord]) -> dict[str, float] | None:
    rows: dict[str, list[int]] = {}
    for record in records:
        if record.beside is None:
            return None
        rows |= zip(record.sample_ids, record.beside, strict=True)
    beside = np.array([rows[str(name)] for name in corpus.sample_ids], np.int64)
    right = np.column_stack([guessed, beside]) == corpus.labels[:, np.newaxis]
    changed = beside != guessed[:, np.newaxis]
    certain, possible = float(right.all(axis=1).mean()), float(right.any(axis=1).mean())
    return {
        "neighbours": beside.shape[1],
        "accuracy_beside": float(right[:, 1:].mean()),
        "certain": certain,
        "possible": possible,
        "points": 100 * (possible - certain),
        "changed_predictions": float(changed.mean()),
        "changed_samples": float(changed.any(axis=1).mean()),
    }


def _versions(records: Sequence[FoldRecord]) -> dict[str, str]:
    computing = {name: version(name) for name in _PACKAGES}
    devices = ", ".join(sorted({record.device for record in records}))
    return {"mer_di": mer_di.__version__, "python": platform.python_version(), **computing, "device": devices}
