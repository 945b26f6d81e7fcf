"""Files that are nearly right, drawn by Hypothesis, and readers that have to answer them in the library's own words.

`KINDS` holds, for each kind of file, what is drawn, and a function that writes it into a folder and reads it. The
library's own errors are what a reader may raise; whatever else comes out is a fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from spoilt.caches import EDITS, QUICK, READING, read_cache
from spoilt.damage import DAMAGE
from spoilt.manifests import NUMBERS, PATHS, read_manifest
from spoilt.models import read_model, spoilt_models
from spoilt.reader import read_damaged_cache
from spoilt.runs import SELDOM, read_run, spoilt_runs
from spoilt.tables import NEW, OLD, PARTS, TEXTS, grids, read_csv, read_parts, read_workbook


@dataclass(frozen=True)
class Kind:
    """What is drawn, and how it is written and read."""

    drawn: st.SearchStrategy[Any]
    read: Callable[[Path, Any], None]


KINDS: Mapping[str, Kind] = {
    "table, text": Kind(
        st.tuples(grids(), st.sampled_from(",;\t"), st.integers(0, 400), st.just(b"") | st.binary(max_size=3)), read_csv
    ),
    "table, workbook": Kind(st.tuples(grids(), st.just([]) | DAMAGE), read_workbook),
    "table, parts of a workbook": Kind(
        st.tuples(st.sampled_from(PARTS), st.sampled_from(OLD), st.sampled_from(NEW) | TEXTS), read_parts
    ),
    "manifest": Kind(st.lists(st.tuples(PATHS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=3), read_manifest),
    "cache, structure": Kind(st.tuples(st.lists(EDITS, min_size=1, max_size=3), READING), read_cache),
    "cache, bytes": Kind(st.tuples(DAMAGE, st.sampled_from(QUICK)), read_damaged_cache),
    "run": Kind(st.tuples(spoilt_runs(), SELDOM), read_run),
    "model": Kind(spoilt_models(), read_model),
}
"""By what the reliability page calls it."""
