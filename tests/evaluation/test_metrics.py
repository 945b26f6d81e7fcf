import ast
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from mer_di.errors import InputError
from mer_di.evaluation.metrics import bootstrap_intervals, per_subject, scores

CLASSES = ("disgust", "happiness", "surprise")
pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


def test_a_class_that_nobody_shows_is_in_neither_mean():
    """By fractions: a shows 2 of 3, b shows 1 of 1, and c was guessed once."""
    found = scores([0, 0, 0, 1], [0, 0, 2, 1], ["a", "b", "c"])
    assert found.uar == pytest.approx(float((Fraction(2, 3) + 1) / 2))
    assert found.uf1 == pytest.approx(float((Fraction(4, 5) + 1) / 2))
    absent = found.per_class[2]
    assert (absent.n, absent.recall, absent.precision, absent.f1) == (0, None, 0.0, 0.0)
    intervals = bootstrap_intervals([0, 0, 0, 1] * 2, [0, 0, 2, 1] * 2, ["x"] * 4 + ["y"] * 4, 3)
    assert intervals.uar == pytest.approx((found.uar, found.uar))
    assert intervals.uf1 == pytest.approx((found.uf1, found.uf1))


def by_the_formula(labels, predicted, n_classes):
    """Accuracy, UF1 and UAR in fractions, from counts."""
    f1, recall = [], []
    for c in range(n_classes):
        tp = sum(a == b == c for a, b in zip(labels, predicted, strict=True))
        fp = sum(a != c and b == c for a, b in zip(labels, predicted, strict=True))
        fn = sum(a == c and b != c for a, b in zip(labels, predicted, strict=True))
        if tp + fn:
            f1.append(Fraction(2 * tp, 2 * tp + fp + fn))
            recall.append(Fraction(tp, tp + fn))
    correct = Fraction(sum(a == b for a, b in zip(labels, predicted, strict=True)), len(labels))
    return [float(x) for x in (correct, sum(f1) / len(f1), sum(recall) / len(recall))]


def rates(found):
    return [found.accuracy, found.uf1, found.uar]


@given(pairs)
def test_scores_are_those_of_the_formulas(rows):
    labels, predicted = zip(*rows, strict=True)
    found = scores(labels, predicted, CLASSES)
    assert rates(found) == pytest.approx(by_the_formula(labels, predicted, 3), abs=1e-12)
    assert found.confusion.sum() == found.n == len(rows)
    for true, guessed in rows:
        assert found.confusion[true, guessed] == rows.count((true, guessed))


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert rates(scores(*zip(*rows, strict=True), CLASSES)) == pytest.approx(
        rates(scores(*zip(*shuffled, strict=True), CLASSES)), abs=1e-12
    )


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
@given(pairs)
def test_scikit_learn_agrees_over_the_classes_that_occur(rows):
    labels, predicted = zip(*rows, strict=True)
    found = scores(labels, predicted, CLASSES)
    assert found.uf1 == pytest.approx(
        f1_score(labels, predicted, labels=sorted(set(labels)), average="macro", zero_division=0)
    )
    assert found.uar == pytest.approx(balanced_accuracy_score(labels, predicted))


def test_a_class_without_samples_has_no_recall_and_does_not_count():
    found = scores([0, 0, 1, 1], [0, 2, 1, 1], CLASSES)
    assert found.uf1 == pytest.approx((2 / 3 + 1) / 2)
    assert found.uar == pytest.approx((1 / 2 + 1) / 2)
    absent = found.per_class[2]
    assert (absent.name, absent.n, absent.recall, absent.precision, absent.f1) == ("surprise", 0, None, 0.0, 0.0)
    never = scores([0, 1], [0, 1], CLASSES).per_class[2]
    assert (never.recall, never.precision, never.f1) == (None, None, None)


@given(pairs)
def test_each_class_is_scored_by_its_formula(rows):
    labels, predicted = zip(*rows, strict=True)
    for c, row in enumerate(scores(labels, predicted, CLASSES).per_class):
        hits, occurs, guessed = rows.count((c, c)), labels.count(c), predicted.count(c)
        assert (row.name, row.n) == (CLASSES[c], occurs)
        for found, part, whole in (
            (row.precision, hits, guessed),
            (row.recall, hits, occurs),
            (row.f1, 2 * hits, occurs + guessed),
        ):
            assert found == (pytest.approx(part / whole, abs=1e-12) if whole else None)


def test_one_class_and_one_sample_are_defined():
    assert rates(scores([1], [1], CLASSES)) == [1, 1, 1]
    assert rates(scores([1], [0], CLASSES)) == [0, 0, 0]


@pytest.mark.parametrize(
    ("labels", "predicted", "said"),
    [
        ([], [], r"labels have shape \(0,\) and predictions \(0,\); expected one \(N,\), N > 0"),
        ([0, 1], [0], r"labels have shape \(2,\) and predictions \(1,\)"),
        ([[0]], [[0]], r"labels have shape \(1, 1\)"),
        ([0, 3], [0, 0], r"labels are int64 in 0\.\.3; expected class indices 0\.\.2"),
        ([0, 0], [-1, 0], r"predictions are int64 in -1\.\.0; expected class indices 0\.\.2"),
        ([0], [3], r"predictions are int64 in 3\.\.3"),
        ([0.5], [0.0], r"labels are float64 in 0\.5\.\.0\.5"),
        ([True], [True], "labels are bool"),
        (["a"], [0], "labels: found a list .*expected integers or floats"),
        ([0], ["a"], "predictions: found a list .*expected integers or floats"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels, predicted, said):
    with pytest.raises(InputError, match=f"^{said}"):
        scores(labels, predicted, CLASSES)
    with pytest.raises(InputError, match=f"^{said}"):
        bootstrap_intervals(labels, predicted, ["s1"] * len(labels), 3)


@pytest.mark.parametrize("subjects", [["a"], ["a", "b", "c"], []])
def test_every_sample_has_a_subject(subjects):
    with pytest.raises(InputError, match=f"{len(subjects)} subjects are given for 2 samples"):
        per_subject([0, 1], [0, 1], subjects)
    with pytest.raises(InputError, match=f"{len(subjects)} subjects are given for 2 samples"):
        bootstrap_intervals([0, 1], [0, 1], subjects, 2)


def test_indices_may_be_of_any_integer_type():
    found = scores(np.array([0, 2], np.uint8), np.array([0, 1], np.int16), CLASSES)
    assert (found.accuracy, found.confusion.dtype, found.confusion.tolist()) == (
        0.5,
        np.int64,
        [[1, 0, 0], [0, 0, 0], [0, 1, 0]],
    )


def test_subjects_are_counted_one_by_one():
    found = per_subject([0, 0, 1, 1], [0, 1, 1, 1], ["b", "a", "b", "b"])
    assert [(row.subject, row.n, row.correct, row.accuracy) for row in found] == [("a", 1, 0, 0.0), ("b", 3, 3, 1.0)]


def test_intervals_draw_subjects_and_not_samples():
    # Within each subject all samples are right or all wrong: 8 subjects are 8 observations, however many samples.
    labels = np.tile([0, 1], 40)
    subjects = np.repeat([f"s{i}" for i in range(8)], 10)
    predicted = np.where(np.repeat(np.arange(8), 10) < 6, labels, 1 - labels)
    found = bootstrap_intervals(labels, predicted, subjects, 2)
    lower, upper = found.accuracy
    assert (found.n_subjects, found.level, found.resamples) == (8, 0.95, 2000)
    assert 0.3 < lower < 0.51  # over samples it would be about 0.65
    assert upper == 1
    assert found == bootstrap_intervals(labels, predicted, subjects, 2)
    assert found != bootstrap_intervals(labels, predicted, subjects, 2, seed=1)


@pytest.mark.parametrize(
    ("level", "bounds"), [(0.2, (1 / 3, 1 / 3)), (0.6, (0, 2 / 3)), (0.9, (0, 2 / 3)), (0.96, (0, 1))]
)
def test_bounds_are_quantiles_of_the_drawn_accuracies(level, bounds):
    # Of three subjects one is right: a draw holds her Binomial(3, 1/3) times, at most 0, 1, 2, 3 times in 8, 20, 26
    # and 27 of 27 draws.
    found = bootstrap_intervals([0, 0, 0], [0, 1, 1], ["a", "b", "c"], 2, level=level)
    assert found.accuracy == found.uar == pytest.approx(bounds)
    assert (found.level, found.n_subjects) == (level, 3)


def test_by_default_2000_draws_of_seed_0_give_95_percent():
    rows = ([0, 1, 0, 1], [0, 1, 1, 0], ["a", "b", "c", "d"], 2)
    found = bootstrap_intervals(*rows)
    assert found == bootstrap_intervals(*rows, resamples=2000, level=0.95, seed=0)
    assert (found.resamples, found.level, found.seed) == (2000, 0.95, 0)
    assert bootstrap_intervals(*rows, seed=3).seed == 3


def test_of_a_single_subject_nothing_can_be_drawn():
    assert bootstrap_intervals([0, 1], [0, 1], ["a", "a"], 2) is None
    assert bootstrap_intervals([0, 1], [0, 1], ["a", "b"], 2).accuracy == (1, 1)


@given(pairs, st.integers(0, 3))
@example([(0, 0), (1, 1)], 0)
def test_bootstrap_scores_are_the_scores_of_the_drawn_samples(rows, seed):
    labels, predicted = (np.array(column) for column in zip(*rows, strict=True))
    people = np.arange(len(rows)) % 4
    count = people.max() + 1
    found = bootstrap_intervals(labels, predicted, people.astype(str), 3, resamples=5, level=1.0, seed=seed)
    if count == 1:
        assert found is None
        return
    each = []
    for drawn in np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), 5):
        repeated = np.repeat(np.arange(len(rows)), drawn[people])
        each.append(by_the_formula(labels[repeated], predicted[repeated], 3))
    expected = list(zip(np.min(each, axis=0), np.max(each, axis=0), strict=True))
    for bounds, (lowest, highest) in zip((found.accuracy, found.uf1, found.uar), expected, strict=True):
        assert bounds == pytest.approx((lowest, highest), abs=1e-12)


def published(media):
    """Read subject, prediction and truth of every clip from the published log."""
    rows, subject, predicted = [], None, None
    lines = (media / "metric_reference" / "STSTNet_python_logfile.txt").read_text().splitlines()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "Subject":
            subject = value.strip()
        elif name.strip() == "Predicted":
            predicted = ast.literal_eval(value.strip())
        elif name.strip() == "Ground Truth":
            rows += [(subject, *pair) for pair in zip(predicted, ast.literal_eval(value.strip()), strict=True)]
    return rows


def test_published_predictions_give_the_published_scores(media):
    subjects, predicted, labels = zip(*published(media), strict=True)
    found = scores(labels, predicted, ("negative", "positive", "surprise"))
    assert (found.n, len(set(subjects))) == (442, 68)
    assert round(found.uf1, 4) == 0.7209
    assert round(found.uar, 4) == 0.7250
    first = [(p, t) for s, p, t in published(media) if s == subjects[0]]
    lacking = scores([t for _, t in first], [p for p, _ in first], ("negative", "positive", "surprise"))
    assert [row.n for row in lacking.per_class] == [9, 0, 2]  # no positive sample: the published UAR is "nan"
    assert lacking.uar == pytest.approx((8 / 9 + 1 / 2) / 2)
    interval = bootstrap_intervals(labels, predicted, subjects, 3)
    assert interval.n_subjects == 68
    assert interval.uf1[0] < found.uf1 < interval.uf1[1]
