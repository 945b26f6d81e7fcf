"""Cache format 1: an HDF5 file of phase-aware dynamic images that plain h5py, h5dump and MATLAB can read."""

from mer_di.cache.format import (
    APEX_CONFIDENCE,
    CORRECTION_COLUMNS,
    DATASET_OF,
    DI_STREAMS,
    FLOW_STREAMS,
    FORMAT,
    FORMAT_VERSION,
    INT_COLUMNS,
    KEY_FRAMES,
    LATER,
    PHASES,
    TABLE_DIGEST,
    TEXT_COLUMNS,
)
from mer_di.cache.reading import Cache, open_cache
from mer_di.cache.rows import KEY_LENGTH, RenderedClip, Rows, origin_of
from mer_di.cache.writing import Draft, Entry, Provenance, draft_cache, make_cache, write_cache
from mer_di.files import put_in_place, sync

__all__ = [
    "APEX_CONFIDENCE",
    "CORRECTION_COLUMNS",
    "DATASET_OF",
    "DI_STREAMS",
    "FLOW_STREAMS",
    "FORMAT",
    "FORMAT_VERSION",
    "INT_COLUMNS",
    "KEY_FRAMES",
    "KEY_LENGTH",
    "LATER",
    "PHASES",
    "TABLE_DIGEST",
    "TEXT_COLUMNS",
    "Cache",
    "Draft",
    "Entry",
    "Provenance",
    "RenderedClip",
    "Rows",
    "draft_cache",
    "make_cache",
    "open_cache",
    "origin_of",
    "put_in_place",
    "sync",
    "write_cache",
]
