import math

import pytest
import torch

from mer_di.learning.finite import is_finite


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["weight", "running_var"])
def test_one_number_that_is_none_is_enough(name, value):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
    assert is_finite(network)
    with torch.no_grad():
        getattr(network[1], name)[1] = value
    assert not is_finite(network)
