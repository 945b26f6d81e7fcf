"""What a network is fed with: which images of a clip, who estimates motion, how values come into a range."""

from typing import Literal

DynamicStream = Literal["onset", "offset", "full"]
"""Dynamic image of onset→apex, of apex→offset, of the whole clip."""

FlowStream = Literal["flow_onset", "flow_offset"]
"""Optical flow of onset→apex, of apex→offset: to the right, down, and the strain."""

CombinedFlow = Literal["flow_combined"]
NormalizedFlow = Literal["flow_normalized_onset", "flow_normalized_offset"]
FlowDirection = Literal["flow_direction_onset", "flow_direction_offset"]
FlowMap = Literal[CombinedFlow, NormalizedFlow, FlowDirection]
"""Images that others make of optical flow, made of a cache's when they are read: see `mer_di.flow_maps.flow_map`."""

Stream = Literal[DynamicStream, FlowStream, FlowMap]

FlowEngine = Literal["ilk", "tvl1", "farneback", "dis"]
"""See `mer_di.imaging.flow.flow`."""

SMALLEST_FLOW = 12
"""Pixels a side; OpenCV's DIS takes no less."""

Normalization = Literal["unit-weight", "symmetric", "minmax", "l2"]
"""See `mer_di.torch_dataset.DynamicImageDataset`."""
