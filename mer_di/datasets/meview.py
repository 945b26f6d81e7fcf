"""MEVIEW, as the Czech Technical University distributes it: cuts of television, as videos.

The table has a row of groups above its header: each annotator's frames, and the final ones, which are read. It counts
frames of a cut from 1, and knows no apex. One cut may hold several micro-expressions.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mer_di.datasets.clips import Clips, index, is_video, require_tree
from mer_di.datasets.columns import Column
from mer_di.datasets.database import Database
from mer_di.datasets.locate import files, find_root, no_frames, subfolders
from mer_di.datasets.positions import counted_from_one
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Spec, Tree
from mer_di.sample import Sample

SPEC = Spec(
    name="meview",
    title="MEVIEW",
    citation=(
        'P. Husák, J. Čech, J. Matas: Spotting Facial Micro-Expressions "In the Wild". '
        "22nd Computer Vision Winter Workshop, 2017"
    ),
    doi="",
    licence="Given out on request, for research; the videos are of television.",
    request_url="https://cmp.felk.cvut.cz/~cechj/ME/",
    # Columns, file names, rate, frames from 1: github.com/AtwMaxime/SocialBench, builders/meview_parquet.py.
    fps=30.0,
    tables=("MEVIEW*",),
    layout="""\
MEVIEW/
  MEVIEW_v2.xlsx
  me-cuts/cuts/sub01-1.mp4                          subject and ID of the table, as videos""",
    trees=(Tree("video", registered=False, videos=True),),
    subject="sub{:02d}",
    columns=(
        Column("subject", ("Subject",)),
        Column("clip", ("ID",)),
        Column("onset", ("FINAL Onset",)),
        Column("apex", ("FINAL Apex",), required=False),
        Column("offset", ("FINAL Offset",)),
        Column("emotion", ("FINAL Emotion", "Emotion")),
        Column("action_units", ("FINAL AU", "FINAL AUs", "AU", "AUs", "Action Units"), required=False),
    ),
    recordings="exception",
)

_CUT = re.compile(r"sub0*(\d+)-0*(\d+)", re.IGNORECASE)
_DEPTH = 3  # root / me-cuts / cuts / cuts


def load(root: Path | None, choice: Choice) -> Database:
    """Load MEVIEW; see `mer_di.datasets.load_dataset`."""
    return counted_from_one(read_release(SPEC, find_root(SPEC, root), choice, _find_cuts, key=_cut))


def _cut(sample: Sample) -> str:
    """Return a key whatever the zeros: ``1-1`` of subject ``sub01`` and ID ``1``."""
    return _key(f"{sample.subject}-{sample.clip}") or f"{sample.subject}-{sample.clip}"


def _key(stem: str) -> str:
    named = _CUT.fullmatch(stem)
    return f"{named[1]}-{named[2]}" if named else ""


def _find_cuts(spec: Spec, root: Path, wanted: str | None) -> Clips:
    require_tree(spec, wanted)
    videos = index((key, path) for path in _videos(root, _DEPTH) if (key := _key(path.stem)))
    if not videos:
        found = f"{root} holds a table and no videos: none such as sub01-1.mp4 within {_DEPTH} levels"
        raise no_frames(spec, root, found)
    return Clips(spec.trees[0], videos, tuple({path.parent: None for path in videos.values()}))


def _videos(folder: Path, depth: int) -> Iterator[Path]:
    yield from filter(is_video, files(folder))
    if depth:
        for child in subfolders(folder):
            yield from _videos(child, depth - 1)
