import torch
from tiny_network import normal, seeded

from mer_di.learning.models import LEARNetVNU


def test_learnet_of_the_laboratory_layer_by_layer():
    model = seeded(LEARNetVNU, 5).eval()
    images = normal(2, 1, 3, 112, 112)

    def step(maps, layer):
        return torch.relu(layer(maps))

    stem = step(images[:, 0], model.stem)
    a1, b1, c1, d1 = (step(stem, layer) for layer in model.first)
    a2, b2, c2, d2 = (step(m, layer) for m, layer in zip((a1, a1 + b1, c1 + d1, d1), model.second, strict=True))
    columns = [step(m, layer) for m, layer in zip((a2, a2 + b2, c2 + d2, d2), model.third, strict=True)]
    assert [tuple(column.shape[1:]) for column in columns] == [(64, 7, 7)] * 4
    mixed = step(torch.cat(columns, 1), model.mix)
    squares = mixed.square().cumsum(1)  # local response normalization: the squares of 256 channels about each
    for channel in (0, 100, 255):
        near = squares[:, min(channel + 127, 255)] - (squares[:, channel - 129] if channel > 128 else 0)
        expected = mixed[:, channel] / (1 + 1e-4 * near / 256) ** 0.75
        torch.testing.assert_close(model.norm(mixed)[:, channel], expected, rtol=1e-5, atol=1e-7)
    merged = step(model.norm(mixed), model.merge)
    assert merged.shape[1:] == (256, 4, 4)
    torch.testing.assert_close(model(images).logits, model.classifier(merged.mean((2, 3))))


def test_it_takes_the_larger_images_of_its_program():
    assert LEARNetVNU(5)(normal(1, 1, 3, 224, 224)).logits.shape == (1, 5)
