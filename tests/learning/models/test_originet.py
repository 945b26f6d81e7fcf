import numpy as np
import torch
from tiny_network import normal, seeded

from mer_di.learning.models import OrigiNet
from mer_di.learning.models.originet import rrelu


def test_rrelu_is_the_gate_of_originet():
    x = np.linspace(-6, 6, 25)
    sigma = 1 / (1 + np.exp(-x))
    expected = sigma + sigma * np.where(x >= 0, x, 0.1 * x)
    np.testing.assert_allclose(rrelu(torch.tensor(x)).numpy(), expected)


def test_originet_layer_by_layer():
    model = seeded(OrigiNet, 5).eval()
    with torch.no_grad():
        for stage in model.stages:
            stage.norm.weight.uniform_(0.5, 1.5)
    images = normal(2, 1, 3, 128, 128)
    normalized = images[:, 0]
    for stage, side in zip(model.stages, (64, 32, 16), strict=True):
        added = rrelu(stage.small(normalized)) + rrelu(stage.large(normalized))
        assert added.shape[-1] == side
        normalized = stage.norm(added)
    small = model.small_dense(rrelu(model.small(normalized)).flatten(1))
    large = model.large_dense(rrelu(model.large(added)).flatten(1))
    features = torch.cat([small, large], 1)
    output = model(images)
    torch.testing.assert_close(output.features[0], features)
    torch.testing.assert_close(output.logits, model.classifier(features))
