"""Caches in which something is missing, of another kind, elsewhere, or too large."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st
from tiny_cache import write_tiny_cache

from mer_di.cache import Cache, open_cache
from mer_di.cli.info import _summary
from mer_di.evaluation.corpus import read_corpus
from mer_di.inspection.comparison import compare
from mer_di.inspection.contact_sheet import spread
from mer_di.inspection.pictures import picture
from mer_di.inspection.verification import departures, unchecked
from spoilt.damage import folder_until_exit, own_words

VALUES = (
    None,
    7,
    -1,
    1.5,
    "x",
    "",
    [1, 2],
    ["a", "b"],
    b"\xff\xfe",
    np.zeros((2, 2)),
    h5py.Empty("f"),
    2**62,
    float("nan"),
)
PLACES = tuple(
    f"{group}/{name}"
    for group, names in {
        "di": ("onset", "offset", "full"),
        "frames": ("onset", "apex", "offset"),
        "samples": (
            *(
                "sample_id",
                "subject",
                "clip",
                "emotion",
                "emotion_written",
                "action_units",
                "apex_source",
                "label",
                "onset",
            ),
            *("apex", "offset", "onset_length", "offset_length", "frame_height", "frame_width", "fps", "transform"),
            *("frames_digest", "row_digest", "new"),
        ),
        "dropped": ("sample_id", "reason"),
        "corrections": ("set_name", "why", "source"),
    }.items()
    for name in names
)
GROUPS = ("di", "frames", "samples", "dropped", "corrections", "new")
RECIPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 300)
    | st.floats(allow_nan=False)
    | st.sampled_from(("arp", "none", "x", "both")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("size", "a")), inner, max_size=2),
    max_leaves=4,
)
EDITS = st.one_of(
    st.tuples(st.just("delete"), st.sampled_from(PLACES + GROUPS)),
    st.tuples(st.just("value"), st.sampled_from(PLACES + GROUPS), st.sampled_from(VALUES)),
    st.tuples(
        st.just("cell"),
        st.sampled_from(PLACES),
        st.integers(0, 3),
        st.sampled_from((*VALUES, -(2**62), 10**6, "s01/c0")),
    ),
    st.tuples(
        st.just("kind"),
        st.sampled_from(PLACES),
        st.sampled_from(("f2", "f4", ">f4", "f8", "i1", "u8", "S5", "c8", "?")),
    ),
    st.tuples(
        st.just("shape"),
        st.sampled_from(PLACES),
        st.sampled_from(("fewer", "more", "flat", "scalar", "none", "endless")),
    ),
    st.tuples(st.just("move"), st.sampled_from(PLACES + GROUPS), st.sampled_from(PLACES + GROUPS)),
    st.tuples(st.just("link"), st.sampled_from(PLACES + GROUPS), st.sampled_from((*PLACES, *GROUPS, "/", "nowhere"))),
    st.tuples(st.just("soft"), st.sampled_from(PLACES + GROUPS), st.sampled_from((*PLACES, *GROUPS, "/", "nowhere"))),
    st.tuples(
        st.just("attribute"),
        st.sampled_from(
            (
                "format",
                "format_version",
                "dataset",
                "recipe",
                "recipe_sha256",
                "min_class_size",
                "annotation_version",
                "new",
            )
        ),
        st.sampled_from(VALUES),
    ),
    st.tuples(st.just("classes"), st.sampled_from(VALUES)),
    st.tuples(
        st.just("recipe"),
        st.sampled_from(
            ("size", "scheme", "temporal_length", "apex_in", "corrections", "method", "tree", "align", "new")
        ),
        RECIPES,
    ),
)


LARGEST = 10**6  # entries that an edit reads


def edit_cache(file: h5py.File, edit: tuple[Any, ...]) -> None:
    """Change one thing in a cache; what HDF5 does not let happen does not."""
    what, *rest = edit
    if what == "attribute":
        _set_attribute(file, *rest)
    elif what == "classes":
        _set_attribute(file["samples"], "classes", *rest)
    elif what == "recipe":
        text = json.dumps(json.loads(file.attrs["recipe"]) | {rest[0]: rest[1]}, sort_keys=True, separators=(",", ":"))
        file.attrs["recipe"] = text
        file.attrs["recipe_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    elif what == "cell":
        file[rest[0]][rest[1]] = rest[2]
    elif what == "move":
        file.move(*rest)
    elif what == "link":
        target = file[rest[1]]
        del file[rest[0]]
        file[rest[0]] = target
    elif what == "soft":
        del file[rest[0]]
        file[rest[0]] = h5py.SoftLink(rest[1])
    else:
        place, data = rest[0], file[rest[0]]
        new = None if what == "delete" else _changed(data, what, rest[1])
        del file[place]
        if isinstance(new, tuple):
            file.create_dataset(place, new, data.dtype, chunks=(1, *new[1:]))
        elif new is not None:
            file[place] = new


def _set_attribute(holder: h5py.Group, name: str, value: object) -> None:
    if value is None:
        del holder.attrs[name]
    else:
        holder.attrs[name] = value


def _changed(data: h5py.Dataset, what: str, how: Any) -> Any:
    if what == "value":
        return how
    if data.size > LARGEST:
        raise ValueError("an endless dataset stays as it is")
    if what == "kind":
        return data[:].astype(how)
    values = data[()]
    shapes: dict[str, Callable[[], Any]] = {
        "fewer": lambda: values[:1],
        "more": lambda: np.concatenate([values, values]),
        "flat": values.ravel,
        "scalar": lambda: values.ravel()[0],
        "none": lambda: values[:0],
        "endless": lambda: (10**9, *values.shape[1:]),
    }
    return shapes[how]()


def _labelled(path: Path) -> None:
    from mer_di.torch_dataset import DynamicImageDataset

    DynamicImageDataset(path, normalization="unit-weight", size=12)[0]
    DynamicImageDataset(path, ("full",), normalization="minmax")[-1]


def _page(path: Path) -> None:
    from mer_di.report import write_cache_report

    write_cache_report(path, path.with_suffix(".html"))


def _opened(read: Callable[[Cache], object]) -> Callable[[Path], None]:
    def reading(path: Path) -> None:
        with open_cache(path) as found:
            read(found)

    return reading


def _compared(found: Cache) -> None:
    with open_cache(good_cache()) as good:
        compare(found, good)


WAYS: Mapping[str, Callable[[Path], object]] = {
    "verify": _opened(lambda found: departures(found) + unchecked(found)),
    "diff": _opened(_compared),
    "info": _opened(lambda found: _summary(found)),
    "rows": _opened(lambda found: [[*found.rows("samples")], found.corrections, found.recipe]),
    "show": _opened(
        lambda found: [picture(found, "full", row, "unit-weight") for row in spread(found, range(len(found)), 2)]
    ),
    "train": lambda path: read_corpus([path]),
    "images": _labelled,
    "page": _page,
}
QUICK = tuple(way for way in WAYS if way != "page")
SELDOM = st.integers(0, 15).map(lambda number: number == 1)
READING = st.sampled_from(QUICK) | st.sampled_from(QUICK) | SELDOM.map(lambda seldom: "page" if seldom else "verify")


def read_cache(folder: Path, drawn: tuple[list[tuple[Any, ...]], str]) -> None:
    """Spoil a cache by some edits and read it in one way."""
    path, (edits, way) = folder / "c.h5", drawn
    shutil.copy(good_cache(), path)
    with h5py.File(path, "r+") as file:
        for edit in edits:
            with contextlib.suppress(Exception):  # HDF5 may refuse
                edit_cache(file, edit)
    with own_words():
        WAYS[way](path)


@cache
def good_cache() -> Path:
    return write_tiny_cache(folder_until_exit() / "good.h5", subjects=2, clips=2, size=6)
