"""The baselines start, pad and count as in Keras."""

import numpy as np
import pytest
import torch
from tiny_network import normal, seeded
from torch.nn.functional import pad

from mer_di.learning.models import LEARNet, OrigiNet
from mer_di.learning.models.keras import BatchNorm, HalvingConv


def keras_count(model):
    """Parameters as Keras counts them: the running statistics of batch normalization are among them."""
    state = model.state_dict()
    return sum(tensor.numel() for name, tensor in state.items() if not name.endswith("num_batches_tracked"))


def test_parameter_counts_of_the_baselines():
    assert keras_count(LEARNet(8)) == 1_867_528
    assert keras_count(LEARNet(5)) == 1_866_757
    assert keras_count(OrigiNet(8)) == 1_873_608


@pytest.mark.parametrize("side", [5, 6, 7, 8])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_halving_convolution_pads_as_keras_does(side, kernel):
    """Keras' "same": ⌈n/2⌉ outputs; of the padding that this needs, the smaller half goes to the top and the left."""
    convolution = seeded(HalvingConv, 2, 3, kernel)
    images = normal(1, 2, side, side)
    outputs = -(-side // 2)
    total = max((outputs - 1) * 2 + kernel - side, 0)
    before, after = total // 2, total - total // 2
    padded = pad(images, (before, after, before, after))
    result = convolution(images)
    assert result.shape[-2:] == (outputs, outputs)
    for row in range(outputs):
        for column in range(outputs):
            window = padded[0, :, 2 * row : 2 * row + kernel, 2 * column : 2 * column + kernel]
            expected = (convolution.weight * window).sum((1, 2, 3)) + convolution.bias
            torch.testing.assert_close(result[0, :, row, column], expected)


@pytest.mark.parametrize("build", [LEARNet, OrigiNet])
def test_the_baselines_start_as_in_keras(build):
    """Glorot uniform: within ±√(6 / (fan in + fan out)) and as wide as that; biases 0."""
    for module in seeded(build, 5).modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            outputs, inputs, *kernel = module.weight.shape
            bound = (6 / ((inputs + outputs) * np.prod(kernel))) ** 0.5
            assert 0.9 * bound < module.weight.abs().max() <= bound
            assert not module.bias.any()


@pytest.mark.parametrize("momentum", [0.01, None])
def test_batch_normalization_moves_its_statistics_as_in_keras(momentum):
    """By a hundredth a step, or averaged from none; the variance is that of the batch, without Bessel's correction."""
    norm = BatchNorm(2)
    norm.momentum = momentum
    mean, variance = torch.zeros(2), torch.ones(2)
    for step in range(1, 4):
        maps = (3 * normal(2, 2, 2, 2, seed=step) + step).requires_grad_()
        share = momentum or 1 / step
        mean = (1 - share) * mean + share * maps.mean((0, 2, 3))
        variance = (1 - share) * variance + share * maps.var((0, 2, 3), correction=0)
        norm(maps).square().sum().backward()
        torch.testing.assert_close(norm.running_mean, mean)
        torch.testing.assert_close(norm.running_var, variance)
    fresh = BatchNorm(2).eval()
    torch.testing.assert_close(fresh(maps), maps / (1 + 1e-3) ** 0.5)
