from dataclasses import replace
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_di.errors import InputError
from mer_di.evaluation.records import Predictions
from mer_di.evaluation.run import Run
from mer_di.evaluation.significance import compare_runs, mcnemar, paired_tests, wilcoxon


@given(st.integers(0, 15), st.integers(0, 15))
def test_mcnemar_is_a_fair_coin(only_a, only_b):
    n, low = only_a + only_b, min(only_a, only_b)
    expected = min(1, 2 * sum(comb(n, k) for k in range(low + 1)) / 2**n)
    assert mcnemar(only_a, only_b) == pytest.approx(expected)


@given(st.permutations([0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7]), st.integers(3, 7))
def test_wilcoxon_without_ties_is_exact(values, count):
    values = np.array(values[:count])
    ranks = np.argsort(np.argsort(np.abs(values))) + 1
    observed = ranks[values > 0].sum()
    sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=count)]
    expected = 2 * min(np.mean([s <= observed for s in sums]), np.mean([s >= observed for s in sums]))
    assert wilcoxon(values) == pytest.approx(min(1, expected))


def test_no_difference_is_no_evidence():
    assert wilcoxon([0.0, 0.0]) == 1
    assert mcnemar(0, 0) == 1
    # 0.3 - 0.2 and 0.1 differ in their last bit and are the same difference
    assert wilcoxon([0.3 - 0.2, -0.1, 0.5, 0.2]) == wilcoxon([0.1, -0.1, 0.5, 0.2])


def test_paired_tests_count_what_differs():
    a = [True, True, True, False, True, False]
    b = [True, False, False, True, True, False]
    found = paired_tests(a, b, ["x", "x", "x", "y", "y", "y"])
    assert (found.n, found.n_subjects, found.only_a, found.only_b) == (6, 2, 2, 1)
    assert (found.accuracy_a, found.accuracy_b) == (4 / 6, 3 / 6)
    assert found.mcnemar_p == mcnemar(2, 1)
    assert found.wilcoxon_p == wilcoxon([2 / 3, -1 / 3])
    turned = paired_tests(b, a, ["x", "x", "x", "y", "y", "y"])
    assert (turned.mcnemar_p, turned.wilcoxon_p) == (found.mcnemar_p, found.wilcoxon_p)
    with pytest.raises(InputError, match="expected one"):
        paired_tests(a, b[:-1], ["x"] * 6)
    for unknown in (np.nan, 2, -1):
        with pytest.raises(InputError, match="correct_a holds what is neither true nor false"):
            paired_tests([unknown, *a[1:]], b, ["x"] * 6)


@pytest.mark.parametrize("count", [-1, 2.0, "2", None, True])
def test_what_is_counted_is_a_number(count):
    with pytest.raises(InputError, match=r"only_b is .*; expected an integer"):
        mcnemar(3, count)


@pytest.mark.parametrize("differences", [[0.1, np.nan], [0.1, np.inf], [[0.1]], 0.1])
def test_differences_are_finite_and_one_a_subject(differences):
    with pytest.raises(InputError, match="expected finite numbers, one a subject"):
        wilcoxon(differences)


def predictions(correct):
    ids = np.array([f"s{i % 4}/c{i}" for i in range(8)])
    labels = np.array(["happiness", "surprise"] * 4)
    predicted = np.where(correct, labels, labels[::-1])
    subjects = np.array([f"s{i % 4}" for i in range(8)])
    return Predictions(ids, subjects, labels, predicted, np.full((8, 2), 0.5), ("happiness", "surprise"))


def reordered(found, rows):
    columns = ("sample_ids", "subjects", "labels", "predicted", "probabilities")
    return replace(found, **{name: getattr(found, name)[rows] for name in columns})


def runs(tmp_path, a, b):
    found = Run(tmp_path / "a"), Run(tmp_path / "b")
    for run, content in zip(found, (a, b), strict=True):
        run.folder.mkdir(exist_ok=True)
        run.write_predictions(content)
    return found


def test_runs_are_compared_by_sample_and_not_by_row(tmp_path):
    a = predictions([True, True, True, True, True, True, False, False])
    b = predictions([False, True, False, True, True, False, False, True])
    expected = paired_tests(a.correct, b.correct, a.subjects)
    assert (expected.only_a, expected.only_b) == (3, 1)
    assert compare_runs(*runs(tmp_path, a, reordered(b, [5, 2, 7, 0, 1, 3, 6, 4]))) == expected


def test_runs_on_different_samples_or_labels_are_refused(tmp_path):
    a = predictions([True] * 8)
    with pytest.raises(InputError, match=r"1 of 8 are in one alone \(s3/c7\)"):
        compare_runs(*runs(tmp_path, a, reordered(a, range(7))))
    shuffled = replace(a, labels=a.labels[::-1])
    with pytest.raises(InputError, match=r"labels of 8 samples \(s0/c0, s1/c1, s2/c2, \.\.\.\)"):
        compare_runs(*runs(tmp_path, a, shuffled))
