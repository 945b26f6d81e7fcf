"""What a network is fed with: which dynamic images of a clip, and how their values come into a range."""

from typing import Literal

Stream = Literal["onset", "offset", "full"]
"""Dynamic image of onset→apex, of apex→offset, of the whole clip."""

Normalization = Literal["unit-weight", "symmetric", "minmax", "l2"]
"""See `mer_di.torch_dataset.DynamicImageDataset`."""
