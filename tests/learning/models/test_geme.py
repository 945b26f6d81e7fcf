import torch
from tiny_network import normal, seeded

from mer_di.learning.models import GEMEReconstruction


def test_gender_is_told_from_one_stream_and_emotion_from_both():
    model = seeded(GEMEReconstruction, 3).eval()
    image = normal(1, 1, 3, 64, 64)
    own = torch.autograd.grad(model(image).genders.sum(), [*model.emotion.parameters()], allow_unused=True)
    assert all(gradient is None or not gradient.any() for gradient in own)
    for stream in (model.emotion, model.gender):
        told = torch.autograd.grad(model(image).logits[0, 0], [*stream.parameters()])
        assert any(gradient.any() for gradient in told)
    maps = [stream.forward_features(image[:, 0]) for stream in (model.emotion, model.gender)]
    features = torch.cat([each.mean((2, 3)) for each in maps], dim=1)
    torch.testing.assert_close(model(image).features, (features,))
    torch.testing.assert_close(model(image).logits, model.classifier(features))
    torch.testing.assert_close(model(image).genders, model.gender_classifier(features[:, 512:]))
