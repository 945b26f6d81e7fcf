"""A cache into a torch model of your own.

python torch_model.py CACHE.h5        make one with: mer-di build --out synthetic.h5
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from mer_di.torch_dataset import DynamicImageDataset

torch.manual_seed(0)
data = DynamicImageDataset(sys.argv[1], streams=("onset", "offset"), size=32)  # items: (2, 3, 32, 32) float32, a label
held_out = data.subjects[0]  # never test on somebody who was trained on
train = [row for row, subject in enumerate(data.subjects) if subject != held_out]
test = [row for row, subject in enumerate(data.subjects) if subject == held_out]
model = nn.Sequential(
    nn.Flatten(1, 2),  # both dynamic images as six channels
    nn.Conv2d(6, 16, 3, 2, 1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(4),
    nn.Flatten(),
    nn.Linear(16 * 4 * 4, len(data.classes)),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for epoch in range(5):
    for images, labels in DataLoader(Subset(data, train), batch_size=16, shuffle=True):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
with torch.no_grad():
    correct = sum(model(images[None]).argmax(1).item() == label.item() for images, label in map(data.__getitem__, test))
print(f"{correct} of the {len(test)} samples of {held_out}, whom the model never met")
