"""Is a file a cache: every name, kind, type and shape of format 1, and what its attributes say of each other.

No image is read. What verification asks besides is in `mer_di.inspection.verification`.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from mer_di.cache.format import (
    APEX_CONFIDENCE,
    ATTRIBUTES,
    CORRECTION_COLUMNS,
    DROPPED_COLUMNS,
    FLOAT_COLUMNS,
    FORMAT,
    FORMAT_VERSION,
    INT_COLUMNS,
    KEY_FRAMES,
    LATER,
    TEXT_COLUMNS,
    size_in,
    spots_in,
)
from mer_di.cache.rows import fields_of
from mer_di.phases import LONGEST_CLIP

_OPTIONAL_GROUPS = {"frames": len(KEY_FRAMES), "corrections": len(CORRECTION_COLUMNS)}
_DENSEST = 1032  # bytes that deflate, the densest filter that a cache may use, makes of one
_READ = (h5py.h5t.TypeStringID, h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID, h5py.h5t.TypeEnumID)
_NAMED = 4  # problems in one sentence


def foreignness(file: h5py.File) -> str | None:
    """Say in what a file is no cache of format 1; None if it is one.

    Parameters
    ----------
    file : h5py.File
        Open; reading it may raise whatever HDF5 makes of damaged bytes.

    Returns
    -------
    str or None
        To follow the file's name in a sentence.
    """
    word, version = map(attributes_of(file).get, ("format", "format_version"))
    if not (isinstance(word, str) and word == FORMAT):
        return f"is an HDF5 file but no mer_di cache: its attribute 'format' is not {FORMAT!r}"
    if isinstance(version, int) and version > FORMAT_VERSION:
        return f"has cache format {version}; this mer_di reads up to {FORMAT_VERSION}. Upgrade mer_di to read it"
    elsewhere = _stored_elsewhere(file)
    if elsewhere:
        return f"does not hold {_some(elsewhere)} itself but leads to other data; mer-di build writes no such file"
    for check in (_attributes, _datasets, _numbers):
        found = list(check(file))
        if found:
            return f"is damaged: {_some(found)}; build it again"
    return None


def unwritten(file: h5py.File) -> int:
    """Count the rows without a digest; older caches have none of them, and were never seen before they were whole."""
    digests = file["samples"].get("row_digest")
    return 0 if digests is None else int(np.sum(digests[:] == b""))


def _some(found: list[str]) -> str:
    rest = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def attributes_of(holder: h5py.Group) -> dict[str, Any]:
    """Return attributes, numbers as Python's; None for types that a cache never has, of which HDF5 may crash."""
    return {name: _value(holder, name) for name in holder.attrs}


def _value(holder: h5py.Group, name: str) -> object:
    if not isinstance(holder.attrs.get_id(name).get_type(), _READ):
        return None
    value = holder.attrs[name]
    return value.item() if isinstance(value, np.generic) else value


def _attributes(file: h5py.File) -> Iterator[str]:
    values = attributes_of(file)
    for name, kind in ATTRIBUTES.items():
        value = values.get(name)
        if value is None:
            yield f"its attribute {name} is missing or unreadable"
        elif type(value) is not kind:
            yield f"its attribute {name} is {value!r:.60}, expected {'a text' if kind is str else 'an integer'}"
        elif isinstance(value, str) and not _is_text(value):
            yield f"its attribute {name} is no UTF-8"
    recipe = values.get("recipe")
    if isinstance(recipe, str):
        yield from _recipe(recipe, values.get("recipe_sha256"))
    classes = attributes_of(file["samples"]).get("classes") if isinstance(file.get("samples"), h5py.Group) else None
    if not _is_list_of_texts(classes):
        yield "the attribute classes of /samples is no list of texts"


def _recipe(text: str, said: object) -> Iterator[str]:
    if size_in(text) is None:
        yield f"its recipe {text!r:.60} is no JSON object with a size"
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    if said != digest:
        yield f"its recipe_sha256 is {said}, the recipe's digest is {digest}"


def _datasets(file: h5py.File) -> Iterator[str]:
    """Compare each dataset with what a cache of so many samples, of so many pixels, holds under that name."""
    recipe, room = file.attrs["recipe"], _DENSEST * file.id.get_filesize()
    ids = file.get("samples/sample_id")
    count = len(ids) if isinstance(ids, h5py.Dataset) and ids.ndim == 1 else 0
    for name, kind in _kinds(recipe).items():
        group, _, column = name.partition("/")
        data = file[group].get(column) if isinstance(file.get(group), h5py.Group) else None
        if data is None:
            if name not in LATER and not (group in _OPTIONAL_GROUPS and group not in file):
                yield f"/{name} is missing"
            continue
        if not isinstance(data, h5py.Dataset):
            yield f"/{name} is no dataset"
            continue
        rows = count if group in ("samples", "di", "frames", "flow", "jitter") else _length(file, group)
        wanted = (rows, *(kind.shape if kind else ()))
        fits = h5py.check_string_dtype(data.dtype) if kind is None else data.dtype == kind.base
        if not fits or data.shape != wanted:
            yield f"/{name} is {_said(data)}, expected {'texts' if kind is None else kind.base} {wanted}"
        elif data.nbytes > room:
            yield f"/{name} claims {data.nbytes} bytes, more than the file can hold"


def _kinds(recipe: str) -> dict[str, np.dtype[Any] | None]:
    """Return the type of an entry of every dataset of a cache with this recipe; None for a text."""
    spotted = (APEX_CONFIDENCE,) if spots_in(recipe) else ()
    return {
        **{f"samples/{name}": None for name in TEXT_COLUMNS},
        **{f"samples/{name}": np.dtype(np.int64) for name in INT_COLUMNS},
        **{f"samples/{name}": np.dtype(np.float64) for name in (*FLOAT_COLUMNS, *spotted)},
        **fields_of(recipe),
        **{f"dropped/{name}": None for name in DROPPED_COLUMNS},
        **{f"corrections/{name}": None for name in CORRECTION_COLUMNS},
    }


def _length(file: h5py.File, group: str) -> int:
    """Return the length of a table of its own, which its first column decides."""
    first = {"dropped": DROPPED_COLUMNS, "corrections": CORRECTION_COLUMNS}[group][0]
    data = file[group].get(first)
    return len(data) if isinstance(data, h5py.Dataset) and data.ndim == 1 else 0


def _said(data: h5py.Dataset) -> str:
    return f"{'texts' if h5py.check_string_dtype(data.dtype) else data.dtype} {data.shape}"


def _numbers(file: h5py.File) -> Iterator[str]:
    """Hold numbers by which readers take classes and weights within what there is of them."""
    onset, offset, label, rising, fading = (
        file[f"samples/{name}"][:] for name in ("onset", "offset", "label", "onset_length", "offset_length")
    )
    bounds = {
        "label": (label, len(file["samples"].attrs["classes"]) - 1),
        "onset_length": (rising - 1, LONGEST_CLIP - 1),
        "offset_length": (fading - 1, LONGEST_CLIP - 1),
        "offset minus onset": (offset.astype(np.float64) - onset, LONGEST_CLIP - 1),
    }
    for name, (values, largest) in bounds.items():
        wrong = np.flatnonzero((values < 0) | (values > largest))
        if len(wrong):
            yield f"{name} of row {wrong[0]} is none of 0 to {largest}"


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1 and all(isinstance(x, str) and _is_text(x) for x in value)


def _is_text(value: str) -> bool:
    """Tell whether a text was UTF-8 in the file; h5py passes on what was not as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _stored_elsewhere(file: h5py.File) -> list[str]:
    """Name what is a link, or a dataset whose values lie in another file or dataset, or have a name already."""
    found: list[str] = []
    places: set[int] = set()

    def look(name: str, link: object) -> None:
        data = file[name] if isinstance(link, h5py.HardLink) else None
        place = None if data is None else h5py.h5o.get_info(data.id).addr
        if place is None or place in places or (isinstance(data, h5py.Dataset) and (data.is_virtual or data.external)):
            found.append(name)
        else:
            places.add(place)

    file.visititems_links(look)
    return found
