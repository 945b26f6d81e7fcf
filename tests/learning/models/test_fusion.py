"""Fusion against its formulas."""

import numpy as np
import pytest
import torch
from tiny_network import normal, seeded

from mer_di.errors import InputError
from mer_di.learning.models.fusion import FUSIONS, CrossFusion


def phases(positions=6, width=16, batch=3):
    return normal(batch, positions, width, seed=1), normal(batch, positions, width, seed=2)


def as_numpy(linear):
    weight, bias = linear.weight.detach().numpy().astype(float), linear.bias.detach().numpy().astype(float)
    return lambda vector: weight @ vector + bias


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def attended(query, keys, values):
    weights = softmax(np.array([query @ key for key in keys]) / np.sqrt(len(query)))
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def test_cross_fusion_is_attention_in_both_directions():
    fusion = seeded(CrossFusion, 16)
    first, second = phases()
    fused = fusion(first, second).detach().numpy()
    for index, (one, other) in enumerate(zip(first.double().numpy(), second.double().numpy(), strict=True)):
        parts = []
        for direction, asking, asked in ((fusion.first_to_second, one, other), (fusion.second_to_first, other, one)):
            query, key, value = (as_numpy(getattr(direction, name)) for name in ("query", "key", "value"))
            parts.append(attended(query(asking.mean(0)), [*map(key, asked)], [*map(value, asked)]))
        np.testing.assert_allclose(fused[index], as_numpy(fusion.projection)(np.concatenate(parts)), atol=1e-5)


def test_simple_fusion_is_dot_product_attention_with_a_residual():
    fusion = seeded(FUSIONS["simple"], 16)
    first, second = phases()
    fused = fusion(first, second).detach().numpy()
    for index, (one, other) in enumerate(zip(first.double().numpy(), second.double().numpy(), strict=True)):
        parts = [a.mean(0) + attended(a.mean(0), b, b) for a, b in ((one, other), (other, one))]
        np.testing.assert_allclose(fused[index], as_numpy(fusion.projection)(np.concatenate(parts)), atol=1e-5)


def test_concat_fusion_projects_the_two_means():
    fusion = seeded(FUSIONS["concat"], 16)
    first, second = phases()
    expected = fusion.projection(torch.cat([first.mean(1), second.mean(1)], 1))
    torch.testing.assert_close(fusion(first, second), expected)


def gradients(fusion):
    first, second = phases()
    fusion(first, second).square().sum().backward()
    return {name: parameter.grad.abs().max().item() for name, parameter in fusion.named_parameters()}


def test_the_literal_reading_has_no_attention():
    """One key: the weight is 1 whatever the vectors are, and neither query nor key learns anything."""
    fusion = seeded(FUSIONS["cross-single-token"], 16)
    for seed in range(5):
        asking, asked = 10 * normal(4, 16, seed=seed), 10 * normal(4, 1, 16, seed=100 + seed)
        assert torch.equal(fusion.first_to_second.weights(asking, asked), torch.ones(4, 1))
    found = gradients(fusion)
    for name, gradient in found.items():
        assert (gradient == 0) == ("query" in name or "key" in name), name
    first, second = phases()
    values = [fusion.first_to_second.value(second.mean(1)), fusion.second_to_first.value(first.mean(1))]
    torch.testing.assert_close(fusion(first, second), fusion.projection(torch.cat(values, 1)))


def test_the_default_attends_and_learns_to():
    fusion = seeded(FUSIONS["cross"], 16)
    first, second = phases()
    attention = fusion.first_to_second.weights(first.mean(1), second)
    torch.testing.assert_close(attention.sum(1), torch.ones(3))
    assert attention.std(1).min() > 1e-3
    found = gradients(fusion)
    # a bias of the keys adds the same score to every position: that alone cannot matter
    assert all(gradient > 1e-6 for name, gradient in found.items() if not name.endswith("key.bias"))


def test_even_attention_is_the_literal_reading():
    cross, single = seeded(FUSIONS["cross"], 16), seeded(FUSIONS["cross-single-token"], 16)
    with torch.no_grad():
        for direction in (cross.first_to_second, cross.second_to_first):
            direction.key.weight.zero_()
    torch.testing.assert_close(cross(*phases()), single(*phases()))


@pytest.mark.parametrize("name", ["cross", "simple"])
def test_attention_to_one_position_is_refused(name):
    with pytest.raises(InputError, match="constantly 1"):
        FUSIONS[name](16)(*phases(positions=1))
