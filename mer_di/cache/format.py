"""Cache format 1: the names in the file, and what is stored under them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from mer_di.streams import Stream

FORMAT = "mer_di"
FORMAT_VERSION = 1
ATTRIBUTES: Mapping[str, type[str] | type[int]] = MappingProxyType(
    {
        "format": str,
        "format_version": int,
        "mer_di_version": str,
        "dataset": str,
        "annotation_sha256": str,
        "annotation_version": str,
        "recipe": str,
        "recipe_sha256": str,
        "min_class_size": int,
    }
)
DI_STREAMS: tuple[Stream, ...] = get_args(Stream)
KEY_FRAMES = ("onset", "apex", "offset")
TEXT_COLUMNS = (
    *("sample_id", "subject", "clip", "emotion", "emotion_written"),
    *("action_units", "objective_class", "apex_source"),
)
INT_COLUMNS = ("label", "onset", "apex", "offset", "onset_length", "offset_length", "frame_height", "frame_width")
FLOAT_COLUMNS = ("fps",)
DROPPED_COLUMNS = ("sample_id", "reason")
CORRECTION_COLUMNS = ("set_name", "sample_id", "field", "was", "now", "why", "source")
LATER = ("samples/objective_class", "samples/frames_digest", "samples/row_digest")
"""What older caches of this format lack."""
