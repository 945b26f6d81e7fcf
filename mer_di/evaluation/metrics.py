"""Scores of pooled predictions, per class and per subject, and their uncertainty over subjects.

Pooled means: the predictions of all folds are put together first and scored once. (Rejected: the mean of per-fold
scores. A subject who shows two of five emotions has no UF1 over five.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.arguments import plain_array, texts
from mer_di.errors import InputError

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How one class was recognised.

    Attributes
    ----------
    name : str
    n : int
        Samples of this class.
    precision, recall, f1 : float or None
        Fractions; None where the quotient has no denominator: the class was never predicted, does not occur, or both.
    """

    name: str
    n: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class SubjectScores:
    """How many samples of one subject were recognised."""

    subject: str
    n: int
    correct: int

    @property
    def accuracy(self) -> float:
        """Fraction of correct predictions."""
        return self.correct / self.n


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of pooled predictions.

    Attributes
    ----------
    n : int
        Number of samples.
    accuracy : float
        Fraction of correct predictions over all samples (Khuong et al., DIANet, 2025, Eq. 6).
    uf1 : float
        Mean over classes of 2·TP / (2·TP + FP + FN).
    uar : float
        Mean over classes of TP / (TP + FN).
    confusion : ndarray of int64, shape (C, C)
        Rows are true classes, columns predicted ones.
    per_class : tuple of ClassScores
        In label order.
    """

    n: int
    accuracy: float
    uf1: float
    uar: float
    confusion: Indices
    per_class: tuple[ClassScores, ...]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Percentile intervals of a bootstrap over subjects.

    Attributes
    ----------
    level : float
        Nominal coverage, such as 0.95.
    resamples : int
        Bootstrap samples drawn.
    n_subjects : int
        Subjects drawn, with replacement, for each of them.
    seed : int
        Of the draws.
    accuracy, uf1, uar : tuple of float
        Lower and upper bound, fractions.
    """

    level: float
    resamples: int
    n_subjects: int
    seed: int
    accuracy: tuple[float, float]
    uf1: tuple[float, float]
    uar: tuple[float, float]


def scores(labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> Scores:
    """Score predictions that were pooled over folds.

    Parameters
    ----------
    labels, predicted : array-like of int, shape (N,)
        Indices into ``classes``.
    classes : sequence of str
        Names, in label order.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If there is no sample, the lengths differ, or a value indexes no class.

    Notes
    -----
    UF1 and UAR average over the classes that occur among the labels, and over no others: a class without samples
    has no recall to average. Predicting it costs the class that the sample belongs to. (STSTNet's program instead
    counts such a class as F1 = 0 if it was predicted, and skips it if not.) Averages are macro averages, which
    micro-expression papers call unweighted.

    Examples
    --------
    >>> scores([0, 0, 1], [0, 1, 1], ["happiness", "surprise"]).uar
    0.75
    """
    # seconds, for those who only open a run or train
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    true, guessed = _checked(labels, predicted, len(classes))
    names = np.arange(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(true, guessed, labels=names, zero_division=np.nan)
    occurs = support > 0
    return Scores(
        n=len(true),
        accuracy=float(accuracy_score(true, guessed)),
        uf1=float(f1[occurs].mean()),
        uar=float(recall[occurs].mean()),
        confusion=confusion_matrix(true, guessed, labels=names).astype(np.int64),
        per_class=tuple(
            ClassScores(name, int(n), *(None if np.isnan(value) else float(value) for value in values))
            for name, n, *values in zip(classes, support, precision, recall, f1, strict=True)
        ),
    )


def per_subject(labels: ArrayLike, predicted: ArrayLike, subjects: ArrayLike) -> tuple[SubjectScores, ...]:
    """Count correct predictions of each subject.

    Parameters
    ----------
    labels, predicted : array-like of int, shape (N,)
    subjects : array-like of str, shape (N,)

    Returns
    -------
    tuple of SubjectScores
        Sorted by subject.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    """
    true, guessed = _pair(labels, predicted)
    people, index = _people(subjects, len(true))
    correct = np.bincount(index, weights=true == guessed)
    counts = np.bincount(index)
    return tuple(
        SubjectScores(str(name), int(n), int(hits)) for name, n, hits in zip(people, counts, correct, strict=True)
    )


def bootstrap_intervals(
    labels: ArrayLike,
    predicted: ArrayLike,
    subjects: ArrayLike,
    n_classes: int,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Intervals | None:
    """Return percentile intervals of accuracy, UF1 and UAR by a bootstrap over subjects.

    Subjects are drawn, not samples: the samples of one face resemble each other, and drawing them one by one would
    give intervals that are too narrow. The intervals hold what varies from subject to subject; they hold nothing of
    what varies from one training to the next, which several seeds show.

    Parameters
    ----------
    labels, predicted : array-like of int, shape (N,)
        Class indices below ``n_classes``.
    subjects : array-like of str, shape (N,)
    n_classes : int
    resamples : int
        Bootstrap samples.
    level : float
        Coverage, between 0 and 1.
    seed : int
        Of the draws.

    Returns
    -------
    Intervals or None
        None with a single subject, of whom nothing can be drawn.

    Raises
    ------
    InputError
        If the arrays do not fit each other.

    References
    ----------
    B. Efron, R. Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
    """
    true, guessed = _checked(labels, predicted, n_classes)
    people, index = _people(subjects, len(true))
    if len(people) < 2:
        return None
    confusion = np.zeros((len(people), n_classes, n_classes), dtype=np.int64)
    np.add.at(confusion, (index, true, guessed), 1)
    drawn = np.random.default_rng(seed).multinomial(len(people), np.full(len(people), 1 / len(people)), resamples)
    rates = _rates(np.tensordot(drawn, confusion, axes=1))
    tail = (1 - level) / 2
    lower, upper = np.quantile(rates, [tail, 1 - tail], axis=1)
    bounds = [(float(low), float(high)) for low, high in zip(lower, upper, strict=True)]
    return Intervals(level, resamples, len(people), seed, *bounds)


def _rates(confusion: Indices) -> NDArray[np.float64]:
    """Accuracy, UF1 and UAR of a stack of confusion matrices at once: the definitions of `scores`."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, guessed = confusion.sum(axis=-1), confusion.sum(axis=-2)
    occurring = np.count_nonzero(true, axis=-1)
    f1 = 2 * hits / np.maximum(true + guessed, 1)
    recall = hits / np.maximum(true, 1)
    return np.stack([hits.sum(-1) / true.sum(-1), f1.sum(-1) / occurring, recall.sum(-1) / occurring])


def _pair(labels: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    true, guessed = plain_array("labels", labels), plain_array("predictions", predicted)
    if true.ndim != 1 or true.shape != guessed.shape or not len(true):
        raise InputError(f"labels have shape {true.shape} and predictions {guessed.shape}; expected one (N,), N > 0")
    return true, guessed


def _people(subjects: ArrayLike, samples: int) -> tuple[NDArray[np.str_], Indices]:
    """Return who there is, sorted, and who each sample is of."""
    names = texts("subjects", subjects)
    if len(names) != samples:
        raise InputError(f"{len(names)} subjects are given for {samples} samples; expected one each")
    people, index = np.unique(names, return_inverse=True)
    return people, index


def _checked(labels: ArrayLike, predicted: ArrayLike, n_classes: int) -> tuple[Indices, Indices]:
    true, guessed = _pair(labels, predicted)
    for name, values in (("labels", true), ("predictions", guessed)):
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= n_classes:
            found = f"{values.dtype} in {values.min()}..{values.max()}"
            raise InputError(f"{name} are {found}; expected class indices 0..{n_classes - 1}")
    return true.astype(np.int64), guessed.astype(np.int64)
