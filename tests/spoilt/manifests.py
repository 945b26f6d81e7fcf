"""Manifests of frames that are there, whose paths and numbers lead anywhere."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

import mer_di
from mer_di.inspection.doctor import examine
from spoilt.damage import folder_until_exit, own_words
from spoilt.tables import HEADERS, PLAIN

PATHS = st.one_of(
    st.sampled_from(
        (
            "s1/a",
            "s1/b",
            "s1",
            "s1/a/img1.png",
            "..",
            "../x",
            ".",
            "/etc",
            "~",
            "C:\\x",
            "s1\\a",
            "a" * 300,
            "x/" * 300,
            "v.avi",
        )
    ),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
)
NUMBERS = st.one_of(
    st.integers(-3, 15), st.integers(-(10**25), 10**25), st.sampled_from(("", "/", "1.0", "1.5", "x", "1e9"))
)


@cache
def frames() -> Path:
    """Return a folder of little frames, of which some are not what their names say."""
    root = folder_until_exit()
    for clip in ("a", "b"):
        folder = root / "s1" / clip
        folder.mkdir(parents=True)
        for number in range(1, 11):
            cv2.imwrite(str(folder / f"img{number}.png"), np.full((6, 8, 3), 9 * number, np.uint8))
    (root / "s1" / "b" / "img3.png").write_bytes(b"no picture")
    (root / "s1" / "b" / "img5.png").write_bytes(b"")
    (root / "v.avi").write_bytes(b"no video")
    return root


def read_manifest(folder: Path, drawn: list[tuple[Any, ...]]) -> None:
    """Build what a manifest names."""
    table = frames() / f"{folder.name}.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADERS[:7], *(("s1", f"c{i}", *row, "joy") for i, row in enumerate(drawn))])
    try:
        with own_words():
            database = mer_di.load_dataset("manifest", table)
            examine(database, decode=True)
        with own_words():
            mer_di.build_cache(mer_di.load_dataset("manifest", table), folder / "c.h5", PLAIN)
    finally:
        table.unlink()
