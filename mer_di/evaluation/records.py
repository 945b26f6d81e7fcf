"""What a run says: of a fold, and of every sample."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mer_di.learning.history import Epoch


@dataclass(frozen=True, slots=True)
class FoldRecord:
    """What one fold left behind.

    Files of earlier versions lack ``untrained_terms``, of which there were none, and ``beside``.

    Attributes
    ----------
    name : str
    seed : int
        The fold's own.
    train_subjects, validation_subjects : list of str
    untrained_classes : list of str
        Classes that the training samples lack: they cannot be predicted, and samples of them are counted as wrong.
    untrained_terms : list of str
        Terms of the loss that the training samples leave without anything to learn, and why.
    best_epoch : int
        1-based; the epoch whose weights made the predictions.
    history : list of Epoch
        As the training reports it.
    sample_ids : list of str
        Of the tested samples.
    probabilities : list of list of float
        One row a tested sample, one value a class.
    test_correct : list of int or None
        After each epoch, how many tested samples were recognised: an audit that nothing ever used.
    seconds : float
        Wall time of training and testing.
    device : str
    beside : list of list of int or None
        Of each tested sample, the class that is predicted at each of its neighbouring apexes, as an index; None if
        that was not asked for.
    """

    name: str
    seed: int
    train_subjects: list[str]
    validation_subjects: list[str]
    untrained_classes: list[str]
    untrained_terms: list[str]
    best_epoch: int
    history: list[Epoch]
    sample_ids: list[str]
    probabilities: list[list[float]]
    test_correct: list[int] | None
    seconds: float
    device: str
    beside: list[list[int]] | None = None

    @property
    def consistent(self) -> bool:
        """Whether the parts fit each other: a row a sample, a distribution a row, a best epoch that was trained."""
        return (
            len(self.sample_ids) == len(self.probabilities) > 0
            and len({len(row) for row in self.probabilities}) == 1
            and all(min(row, default=-1) >= 0 and math.isclose(sum(row), 1, abs_tol=1e-6) for row in self.probabilities)
            and 1 <= self.best_epoch <= len(self.history)
            and (self.test_correct is None or len(self.test_correct) == len(self.history))
            and (self.beside is None or self._beside_fits(self.beside))
        )

    def _beside_fits(self, beside: list[list[int]]) -> bool:
        classes = range(len(self.probabilities[0]))
        alike = len(beside) == len(self.sample_ids) and len({len(row) for row in beside}) == 1
        return alike and all(guess in classes for row in beside for guess in row)


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a run says of every sample, in the order of the file.

    Attributes
    ----------
    sample_ids, subjects, labels, predicted : ndarray of str, shape (N,)
        Labels and predictions as names of classes.
    probabilities : ndarray of float64, shape (N, C)
    classes : tuple of str
    """

    sample_ids: NDArray[np.str_]
    subjects: NDArray[np.str_]
    labels: NDArray[np.str_]
    predicted: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]

    @property
    def consistent(self) -> bool:
        """Whether samples and classes are there once each, labels are classes, and every probability is a number."""
        names, classes = {*self.sample_ids.tolist()}, {*self.classes}
        return (
            self.probabilities.shape == (len(names), len(classes)) == (len(self.sample_ids), len(self.classes))
            and {*self.labels.tolist(), *self.predicted.tolist()} <= classes
            and bool(np.isfinite(self.probabilities).all())
        )

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each sample was recognised, shape (N,)."""
        return np.asarray(self.labels == self.predicted)
