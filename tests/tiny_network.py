"""Networks and numbers drawn from a seed."""

import torch

from mer_di.learning.model_config import ModelConfig

LITE0 = "tf_efficientnet_lite0"
TINY = ModelConfig(backbone="test_efficientnet", weights="random", size=40)


def seeded(build, *arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(*arguments)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
