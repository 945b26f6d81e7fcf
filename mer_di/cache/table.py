"""What a cache says besides its rows of images: where it comes from, and what the annotation says; and its digest."""

import json
from typing import Any

import h5py
from xxhash import xxh3_128_hexdigest

from mer_di.cache.format import (
    APEX_CONFIDENCE,
    ATTRIBUTES,
    CORRECTION_COLUMNS,
    DROPPED_COLUMNS,
    FLOAT_COLUMNS,
    OF_THE_TABLE,
    TABLE_DIGEST,
    TEXT_COLUMNS,
)
from mer_di.cache.structure import attributes_of

_COLUMNS = (
    *(f"samples/{name}" for name in (*TEXT_COLUMNS, "label", *OF_THE_TABLE, *FLOAT_COLUMNS, APEX_CONFIDENCE)),
    *(f"dropped/{name}" for name in DROPPED_COLUMNS),
    *(f"corrections/{name}" for name in CORRECTION_COLUMNS),
)


def table_digest(file: h5py.File) -> str:
    """Return the digest of everything in a cache that no digest of a row covers.

    Parameters
    ----------
    file : h5py.File
        Complete but for its rows, or a cache of which `mer_di.cache.structure.foreignness` found nothing.

    Returns
    -------
    str
        Hexadecimal xxh3_128 of a JSON text, UTF-8, keys sorted, no spaces: the attributes of the root but the digest
        itself, ``classes``, and the values of every column by its name.
    """
    attributes = attributes_of(file)
    said = {name: attributes[name] for name in (*ATTRIBUTES, "part") if name in attributes}
    said["classes"] = file["samples"].attrs["classes"].tolist()
    said |= {name: _values(file[name]) for name in _COLUMNS if name in file}
    return xxh3_128_hexdigest(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


def is_as_written(file: h5py.File) -> bool | None:
    """Whether all that is what was written; None of an older cache, which does not know."""
    return attributes_of(file)[TABLE_DIGEST] == table_digest(file) if TABLE_DIGEST in file.attrs else None


def _values(column: h5py.Dataset) -> list[Any]:
    values: list[Any] = (column.asstr() if h5py.check_string_dtype(column.dtype) else column)[:].tolist()
    return values
