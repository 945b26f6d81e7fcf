import torch
from tiny_network import normal, seeded

from mer_di.learning.models import FDCNReconstruction


def test_each_of_the_last_three_stages_of_both_streams_reaches_the_trunk():
    model = seeded(FDCNReconstruction, 3).eval()
    images = normal(1, 2, 3, 64, 64)
    before = model(images).logits
    of_image, of_flow = (network(images[:, stream]) for stream, network in enumerate(model.streams))
    assert [tuple(maps.shape[1:]) for maps in of_flow] == [(128, 8, 8), (256, 4, 4), (512, 2, 2)]
    added = [fusion(torch.cat(pair, 1)) for fusion, *pair in zip(model.fusions, of_image, of_flow, strict=True)]
    trunk = torch.relu(added[0])
    for halving, more in zip(model.trunk, added[1:], strict=True):
        trunk = torch.relu(halving(trunk) + more)
    torch.testing.assert_close(before, model.classifier(trunk.mean((2, 3))))
    for fusion in model.fusions:
        kept = fusion.weight.detach().clone()
        for half in (slice(None, kept.shape[1] // 2), slice(kept.shape[1] // 2, None)):
            with torch.no_grad():
                fusion.weight[:, half] = 0
            assert not torch.allclose(model(images).logits, before)
            with torch.no_grad():
                fusion.weight.copy_(kept)
