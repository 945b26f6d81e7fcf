"""What tells one build from another, and a row of one cache from that of another."""

import json
from collections.abc import Mapping
from typing import Any

from mer_di.cache import Cache, Entry, Provenance
from mer_di.recipe import differences

_OF_THE_IMAGES = ("sample_id", "onset", "apex", "offset", "onset_length", "offset_length")
_OF_THE_TABLE = (
    *(*_OF_THE_IMAGES, "subject", "clip", "emotion", "emotion_written"),
    *("action_units", "objective_class", "apex_source"),
)

Key = tuple[str | int, ...]


def identity(provenance: Provenance) -> dict[str, str]:
    """Return what a cache depends on besides the frames: dataset, table, recipe, which classes and images were kept."""
    return {
        "annotation_sha256": provenance.annotation_sha256,
        "dataset": provenance.dataset,
        "key_frames": kept(provenance.key_frames),
        "min_class_size": str(provenance.min_class_size),
        "part": provenance.part,
        "recipe": provenance.recipe.text,
    }


def kept(key_frames: bool) -> str:
    """Say whether a cache holds key frames."""
    return "kept" if key_frames else "left out"


def departures_from(ours: Mapping[str, str], found: Mapping[str, Any]) -> list[str]:
    """Name what differs between an identity and that of a cache, field by field within the recipe.

    Parameters
    ----------
    ours : mapping of str to str
        See `identity`.
    found : mapping of str to anything
        The same names and values, such as the attributes of a cache.

    Returns
    -------
    list of str
        ``field: ours | found``.

    Raises
    ------
    ValueError, AttributeError
        If the recipe found is no JSON object.
    """
    theirs = {name: str(found.get(name, "")) for name in ours}
    rest = differences(
        json.dumps({key: value for key, value in ours.items() if key != "recipe"}),
        json.dumps({key: value for key, value in theirs.items() if key != "recipe"}),
    )
    return differences(ours["recipe"], theirs["recipe"]) + rest


def image_key(entry: Entry) -> Key:
    """Return that on which the images of a row depend besides recipe and frames."""
    return tuple(entry.columns[name] for name in _OF_THE_IMAGES)


def image_keys(cache: Cache) -> list[Key]:
    """Return `image_key` of each row of a cache."""
    return _rows(cache, _OF_THE_IMAGES)


def table_key(entry: Entry) -> Key:
    """Return everything that the table says of a row."""
    return tuple(entry.columns[name] for name in _OF_THE_TABLE)


def table_keys(cache: Cache) -> list[Key]:
    """Return `table_key` of each row of a cache; of an older one, of what it has, which is another."""
    return _rows(cache, tuple(name for name in _OF_THE_TABLE if name in cache.file["samples"]))


def _rows(cache: Cache, names: tuple[str, ...]) -> list[Key]:
    return list(zip(*(cache.column(name).tolist() for name in names), strict=True))
