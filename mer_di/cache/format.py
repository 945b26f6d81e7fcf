"""Cache format 1: the names in the file, and what is stored under them."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from mer_di.recipe import MOST_NEIGHBOURS
from mer_di.streams import DynamicStream, FlowStream

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
DI_STREAMS: tuple[DynamicStream, ...] = get_args(DynamicStream)
FLOW_STREAMS: tuple[FlowStream, ...] = get_args(FlowStream)
DATASET_OF: Mapping[str, str] = MappingProxyType(
    {name: f"di/{name}" for name in DI_STREAMS} | {name: name.replace("_", "/") for name in FLOW_STREAMS}
)
"""The dataset of every stream."""
PHASES = ("onset", "offset")
"""The dynamic images that are held at neighbouring apexes as well, under ``/jitter``."""
KEY_FRAMES = ("onset", "apex", "offset")
TEXT_COLUMNS = (
    *("sample_id", "subject", "clip", "emotion", "emotion_written"),
    *("action_units", "objective_class", "apex_source"),
)
INT_COLUMNS = ("label", "onset", "apex", "offset", "onset_length", "offset_length", "frame_height", "frame_width")
OF_THE_TABLE = tuple(name for name in INT_COLUMNS if name not in ("label", "frame_height", "frame_width"))
"""Columns of numbers as the table has them; the others follow from the emotions, and from the frames."""
FLOAT_COLUMNS = ("fps",)
APEX_CONFIDENCE = "apex_confidence"
"""A column of floats that is there where the recipe lets apexes be spotted."""
DROPPED_COLUMNS = ("sample_id", "reason")
CORRECTION_COLUMNS = ("set_name", "sample_id", "field", "was", "now", "why", "source")
TABLE_DIGEST = "table_digest"
"""An attribute; older caches of this format lack it."""
LATER = ("samples/objective_class", "samples/frames_digest", "samples/row_digest")
"""What older caches of this format lack."""


def said_of(name: str, recipe: str) -> object:
    """Return what a recipe of any version says of a parameter; None if nothing, or if that is no recipe."""
    try:
        found = json.loads(recipe)
    except (ValueError, RecursionError):
        return None
    return found.get(name) if isinstance(found, dict) else None


def size_in(recipe: str) -> int | None:
    """Return the side of the images of a cache with this recipe; None if that is no recipe."""
    size = said_of("size", recipe)
    return size if type(size) is int and size > 0 else None


def flow_in(recipe: str) -> bool:
    """Whether optical flow is held in a cache with this recipe."""
    return said_of("flow", recipe) is not None


def jitter_in(recipe: str) -> int:
    """Return how many neighbouring apexes a cache with this recipe holds; 0 too if that is no recipe."""
    count = said_of("apex_jitter", recipe)
    return count if type(count) is int and 0 < count <= MOST_NEIGHBOURS else 0


def spots_in(recipe: str) -> bool:
    """Whether apexes are spotted in a cache with this recipe."""
    return said_of("apex_policy", recipe) == "spot"
