"""Losses against their formulas in plain Python."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mer_di.errors import InputError
from mer_di.learning.losses import classification_loss, consistency_loss, weigh_classes

numbers = st.floats(-5, 5, width=32).map(lambda value: round(value, 3))
seeds = st.integers(0, 1000)


def vectors(seed, count=4, width=6):
    return torch.randn(2, count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def log_probability(row, label):
    return row[label] - math.log(sum(map(math.exp, row)))


@given(seed=seeds)
def test_consistency_is_equation_4(seed):
    first, second = vectors(seed)
    expected = sum(1 - cosine(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)) / 4
    assert consistency_loss(first, second).item() == pytest.approx(expected)


@given(seed=seeds, scale=st.floats(0.1, 10))
def test_consistency_looks_at_directions_only(seed, scale):
    first, second = vectors(seed)
    assert consistency_loss(first, scale * first).item() == pytest.approx(0, abs=1e-9)
    assert consistency_loss(first, -scale * first).item() == pytest.approx(2)
    assert consistency_loss(scale * first, second).item() == pytest.approx(consistency_loss(first, second).item())


def test_features_of_zero_are_orthogonal_and_have_a_gradient_that_is_finite():
    first = torch.zeros(2, 3, requires_grad=True)
    loss = consistency_loss(first, torch.ones(2, 3))
    loss.backward()
    assert loss.item() == 1
    assert torch.isfinite(first.grad).all()


@given(
    rows=st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=5),
    gamma=st.sampled_from([0, 0.5, 1, 2, 5]),
    data=st.data(),
)
def test_classification_is_a_mean_over_samples(rows, gamma, data):
    labels = [data.draw(st.integers(0, 2)) for _ in rows]
    weights = [0.5, 1.0, 2.0]
    for kind, factor in (("cross-entropy", lambda p: 1), ("focal", lambda p: (1 - p) ** gamma)):
        losses = [log_probability(row, label) for row, label in zip(rows, labels, strict=True)]
        expected = sum(
            -weights[label] * factor(math.exp(log)) * log for label, log in zip(labels, losses, strict=True)
        ) / len(rows)
        found = classification_loss(
            torch.tensor(rows).double(), torch.tensor(labels), torch.tensor(weights), kind=kind, gamma=gamma
        )
        assert found.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("kind", "gamma"), [("cross-entropy", 2.0), ("focal", 2.0), ("focal", 0.5), ("focal", 0.0)])
def test_certainty_has_a_finite_loss_and_gradient(kind, gamma):
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    loss = classification_loss(logits, torch.tensor([0, 0]), torch.ones(2), kind=kind, gamma=gamma)
    loss.backward()
    assert loss.item() == pytest.approx(200)
    assert torch.isfinite(logits.grad).all()


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=60), beta=st.sampled_from([0, 0.9, 0.99, 0.9999]))
def test_class_weights_come_from_the_counts(labels, beta):
    def effective(count):
        return sum(beta**k for k in range(count))  # 1 + β + … = (1 − βⁿ)/(1 − β)

    counts = [labels.count(label) for label in range(4)]
    for kind, size in (("balanced", float), ("effective-number", effective)):
        weights = weigh_classes(torch.tensor(labels), 4, kind=kind, beta=beta).tolist()
        present = [label for label in range(4) if counts[label]]
        assert sum(weights[label] for label in labels) == pytest.approx(len(labels), rel=1e-5)
        for label in present:
            ratio = weights[label] / weights[present[0]]
            assert ratio == pytest.approx(size(counts[present[0]]) / size(counts[label]), rel=1e-4)
        assert all(weights[label] == 0 for label in range(4) if not counts[label])


def test_effective_number_lies_between_none_and_balanced():
    labels = torch.tensor([0] * 100 + [1] * 10)
    none, number, balanced = (weigh_classes(labels, 2, kind=kind) for kind in ("none", "effective-number", "balanced"))
    assert torch.equal(none, torch.ones(2))
    assert 1 < number[1] / number[0] < balanced[1] / balanced[0]


def test_in_this_field_a_beta_of_0_999_is_inverse_frequency_in_all_but_name():
    """The figures that the parameter's documentation gives, for the class sizes of CASME II."""
    labels = torch.repeat_interleave(torch.arange(5), torch.tensor([99, 63, 32, 27, 25]))

    def ratio(**how):
        weights = weigh_classes(labels, 5, **how)
        return round(float(weights.max() / weights.min()), 2)

    found = {beta: ratio(kind="effective-number", beta=beta) for beta in (0.9, 0.99, 0.999, 0.9999)}
    assert found == {0.9: 1.08, 0.99: 2.84, 0.999: 3.82, 0.9999: 3.95}
    assert ratio(kind="balanced") == 3.96


def test_an_absent_class_leaves_the_loss_finite():
    weights = weigh_classes(torch.tensor([0, 0, 2]), 4, kind="balanced")
    assert torch.isfinite(classification_loss(torch.zeros(2, 4), torch.tensor([0, 1]), weights))


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="cross-entropy, focal"):
        classification_loss(torch.zeros(1, 2), torch.tensor([0]), torch.ones(2), kind="hinge")
    with pytest.raises(InputError, match="none, balanced, effective-number"):
        weigh_classes(torch.tensor([0]), 2, kind="inverse")
