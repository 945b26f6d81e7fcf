import torch
from tiny_network import normal, seeded

from mer_di.learning.models import LEARNet


def test_learnet_layer_by_layer():
    model = seeded(LEARNet, 5).eval()
    images = normal(2, 1, 3, 112, 112)

    def step(maps, layer):
        return torch.relu(layer(maps))

    stem = step(images[:, 0], model.stem)
    columns = []
    for plain, accretive in ((0, 1), (2, 3)):
        one, two = model.columns[plain].convolutions, model.columns[accretive].convolutions
        norms = model.columns[accretive].norms
        first = step(stem, one[0])
        second = step(first, one[1])
        columns.append(step(second, one[2]))
        beside = norms[0](step(stem, two[0]) + first)
        beside = norms[1](step(beside, two[1]) + second)
        columns.append(step(beside, two[2]))
    assert [tuple(column.shape[1:]) for column in columns] == [(64, 7, 7)] * 4
    merged = step(model.norm(torch.cat(columns, 1)), model.merge)
    assert merged.shape[1:] == (256, 4, 4)
    features = step(merged.flatten(1), model.dense)
    output = model(images)
    torch.testing.assert_close(output.features[0], features)
    torch.testing.assert_close(output.logits, model.classifier(features))
