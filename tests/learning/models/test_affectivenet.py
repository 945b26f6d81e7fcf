import pytest
import torch
from tiny_network import normal, seeded

from mer_di.learning.models import AffectiveNetReconstruction


@pytest.mark.parametrize("side", [112, 61])
def test_early_and_late_layers_of_four_columns_are_merged(side):
    model = seeded(AffectiveNetReconstruction, 3).eval()
    images = normal(1, 1, 3, side, side)
    assert [column.early.kernel_size for column in model.columns] == [(1, 1), (3, 3), (5, 5), (7, 7)]
    merged = []
    for column in model.columns:
        early = torch.relu(column.early(images[:, 0]))
        late = torch.relu(column.late(early))
        halved = torch.nn.functional.avg_pool2d(early, 2, ceil_mode=True)  # an odd last row is averaged by itself
        assert halved.shape[2:] == late.shape[2:] == (-(-side // 4),) * 2
        merged += [halved, late]
    last = torch.relu(model.merge(model.norm(torch.cat(merged, dim=1))))
    torch.testing.assert_close(model(images).logits, model.classifier(last.mean((2, 3))))
