"""Is one run better than another: paired tests on the same samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from scipy.stats import wilcoxon as signed_rank

from mer_di.arguments import plain_array, texts, whole_number
from mer_di.errors import InputError
from mer_di.evaluation.records import Predictions
from mer_di.evaluation.run import Run


@dataclass(frozen=True, slots=True)
class PairedTests:
    """Two classifiers on the same samples.

    Attributes
    ----------
    n : int
        Samples.
    n_subjects : int
    accuracy_a, accuracy_b : float
        Fractions.
    only_a, only_b : int
        Samples that one classifier recognised and the other did not.
    mcnemar_p : float
        Two-sided p-value over samples, see `mcnemar`.
    wilcoxon_p : float
        Two-sided p-value over subjects, see `wilcoxon`.
    """

    n: int
    n_subjects: int
    accuracy_a: float
    accuracy_b: float
    only_a: int
    only_b: int
    mcnemar_p: float
    wilcoxon_p: float


def compare_runs(a: Run, b: Run) -> PairedTests:
    """Compare two finished runs on the same samples.

    Parameters
    ----------
    a, b : Run
        Of runs with several seeds, the first seed's predictions are compared; the others are runs of their own, in
        the folders ``seed-N``.

    Returns
    -------
    PairedTests

    Raises
    ------
    InputError
        If a run is not finished, or they tested different samples or under different labels; some of them are named.
    """
    ours, theirs = a.predictions(), b.predictions()
    order = _same_samples(ours, theirs)
    return paired_tests(ours.correct, theirs.correct[order], ours.subjects)


def paired_tests(correct_a: ArrayLike, correct_b: ArrayLike, subjects: ArrayLike) -> PairedTests:
    """Compare two classifiers on the same samples.

    Parameters
    ----------
    correct_a, correct_b : array-like of bool, shape (N,)
        Whether each sample was recognised, in the same order.
    subjects : array-like of str, shape (N,)

    Returns
    -------
    PairedTests

    Raises
    ------
    InputError
        If the lengths differ, there is no sample, or something is neither true nor false.
    """
    a, b, people = _truths("correct_a", correct_a), _truths("correct_b", correct_b), texts("subjects", subjects)
    if not a.shape == b.shape == people.shape or a.ndim != 1 or not len(a):
        raise InputError(f"found {a.shape}, {b.shape} and {people.shape} values; expected one (N,), N > 0, for all")
    return PairedTests(
        n=len(a),
        n_subjects=len(np.unique(people)),
        accuracy_a=float(a.mean()),
        accuracy_b=float(b.mean()),
        only_a=int(np.sum(a & ~b)),
        only_b=int(np.sum(b & ~a)),
        mcnemar_p=mcnemar(int(np.sum(a & ~b)), int(np.sum(b & ~a))),
        wilcoxon_p=wilcoxon([float(a[people == one].mean() - b[people == one].mean()) for one in np.unique(people)]),
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    It takes samples to be independent, which samples of one subject are not: read it together with `wilcoxon`.

    Parameters
    ----------
    only_a, only_b : int
        Samples that only one of two classifiers recognised.

    Returns
    -------
    float
        2·P(X ≤ min) of a binomial with even odds, at most 1; 1 if the classifiers never differ.

    Raises
    ------
    InputError
        If these are no counts.

    References
    ----------
    Q. McNemar, Psychometrika 12, 1947, in its exact form.

    Examples
    --------
    >>> mcnemar(0, 5)
    0.0625
    """
    first, second = whole_number("only_a", only_a, 0), whole_number("only_b", only_b, 0)
    differing = first + second
    return float(binomtest(first, differing).pvalue) if differing else 1.0


def wilcoxon(differences: ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test.

    Parameters
    ----------
    differences : array-like of float, shape (S,)
        One paired difference a subject; zeros are left out, as Wilcoxon does.

    Returns
    -------
    float
        Exact for few subjects without ties, else as `scipy.stats.wilcoxon` approximates it; 1 if all are zero.

    Raises
    ------
    InputError
        If these are no finite numbers, of shape (S,).

    References
    ----------
    F. Wilcoxon, Biometrics Bulletin 1, 1945.
    """
    values = plain_array("differences", differences).astype(np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"differences of shape {values.shape} are given; expected finite numbers, one a subject")
    # Differences of fractions that are equal on paper may differ in the last bit, which would unmake their tie.
    rounded = np.round(values[np.abs(values) > 1e-12], 12)
    return float(signed_rank(rounded).pvalue) if len(rounded) else 1.0


def _truths(name: str, value: ArrayLike) -> NDArray[np.bool_]:
    values = plain_array(name, value)
    if not np.isin(values, (0, 1)).all():
        raise InputError(f"{name} holds what is neither true nor false; expected bool, one a sample")
    return values.astype(bool)


def _same_samples(a: Predictions, b: Predictions) -> NDArray[np.intp]:
    """Return the rows of ``b`` in the order of ``a``."""
    rows = {name: index for index, name in enumerate(b.sample_ids)}
    only = sorted({*a.sample_ids} ^ rows.keys())
    if only:
        raise InputError(
            f"the runs tested different samples: {len(only)} of {len({*a.sample_ids} | rows.keys())} are in one alone "
            f"({_some(only)}); a paired test needs the same samples"
        )
    order = np.array([rows[name] for name in a.sample_ids], dtype=np.intp)
    relabelled = a.sample_ids[a.labels != b.labels[order]]
    if len(relabelled):
        raise InputError(
            f"the runs disagree on the labels of {len(relabelled)} samples ({_some(relabelled)}); "
            "a paired test needs the same labels"
        )
    return order


def _some(names: Sequence[str] | NDArray[np.str_]) -> str:
    return ", ".join(map(str, names[:3])) + (", ..." if len(names) > 3 else "")
