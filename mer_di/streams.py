"""What a network is fed with: which images of a clip, who estimates motion, how values come into a range."""

from typing import Literal

DynamicStream = Literal["onset", "offset", "full"]
"""Dynamic image of onset→apex, of apex→offset, of the whole clip."""

FlowStream = Literal["flow_onset", "flow_offset"]
"""Optical flow of onset→apex, of apex→offset: to the right, down, and the strain."""

Stream = Literal[DynamicStream, FlowStream]

FlowEngine = Literal["ilk", "tvl1", "farneback", "dis"]
"""See `mer_di.imaging.flow.flow`."""

SMALLEST_FLOW = 12
"""Pixels a side; OpenCV's DIS takes no less."""

Normalization = Literal["unit-weight", "symmetric", "minmax", "l2"]
"""See `mer_di.torch_dataset.DynamicImageDataset`."""
