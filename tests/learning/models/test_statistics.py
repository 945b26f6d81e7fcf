import torch
from tiny_network import normal

from mer_di.learning.models import restart_statistics


def test_statistics_are_averaged_over_the_steps_since_their_restart():
    norm = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    norm(normal(4, 2, 3, 3, seed=9))
    restart_statistics(norm)
    batches = [normal(4, 2, 3, 3, seed=seed) for seed in range(3)]
    for images in batches:
        norm(images)
    torch.testing.assert_close(norm[0].running_mean, torch.stack([b.mean((0, 2, 3)) for b in batches]).mean(0))
    torch.testing.assert_close(
        norm[0].running_var, torch.stack([b.transpose(0, 1).flatten(1).var(1) for b in batches]).mean(0)
    )
