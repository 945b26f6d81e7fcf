"""CASME II, as the Institute of Psychology of the Chinese Academy of Sciences distributes it.

The frame numbers are those of the whole recording from its first frame; a cropped or selected folder therefore
begins at the onset number, not at 1. File names are not padded. The same clip name occurs with several subjects.
"""

from pathlib import Path
from typing import Final

from mer_di.datasets.clips import subject_clips
from mer_di.datasets.correction import Correction, Field
from mer_di.datasets.database import Database
from mer_di.datasets.locate import find_root
from mer_di.datasets.objective_classes import with_objective_classes
from mer_di.datasets.positions import by_length
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, KnownRow, Published, Spec, Tree

_COUNTS_2014 = {
    "others": 99,
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
}

# Rows that are public, each for an oddity.
_KNOWN_2014 = {
    "sub04/EP12_01f": KnownRow(261, "/", 321, "disgust"),
    "sub05/EP09_05f": KnownRow(69, 69, 123, "disgust"),
    "sub05/EP16_04f": KnownRow(141, 181, 181, "others"),
    "sub07/EP06_01": KnownRow(15, 49, 68),
    "sub12/EP09_02": KnownRow(16, 59, 101),
    "sub12/EP09_06": KnownRow(66, 111, 111, "disgust"),
    "sub16/EP01_08": KnownRow(73, 94, 110),
    "sub16/EP04_02f": KnownRow(181, 269, 271),
    "sub20/EP12_01": KnownRow(41, 104, 106),
    "sub20/EP16_01": KnownRow(71, 111, 111, "others"),
    "sub24/EP07_01": KnownRow(emotion="sadness"),
    "sub24/EP07_04f": KnownRow(emotion="sadness"),
    "sub24/EP10_03": KnownRow(emotion="sadness"),
    "sub25/EP18_04f": KnownRow(76, 116, 116, "disgust"),
}
_KNOWN_2019 = _KNOWN_2014 | {
    f"sub24/{clip}": KnownRow(emotion="surprise") for clip in ("EP07_01", "EP07_04f", "EP10_03")
}

SPEC = Spec(
    name="casme2",
    title="CASME II",
    citation=(
        "W.-J. Yan, X. Li, S.-J. Wang, G. Zhao, Y.-J. Liu, Y.-H. Chen, X. Fu: CASME II: An Improved Spontaneous "
        "Micro-Expression Database and the Baseline Evaluation. PLoS ONE 9(1), e86041, 2014"
    ),
    doi="10.1371/journal.pone.0086041",
    licence="Signed agreement with the owners; research only; not to be passed on.",
    request_url="http://casme.psych.ac.cn/casme/e2",
    fps=200.0,
    tables=("CASME2*coding*", "CASME2"),
    layout="""\
CASME2/
  CASME2-coding-20140508.xlsx
  CASME2-ObjectiveClasses.xlsx                      beside it, for --labels megc2018
  Cropped/sub01/EP02_01f/reg_img46.jpg              registered faces, onset..offset
  CASME2_RAW_selected/sub01/EP02_01f/img46.jpg      whole frames, onset..offset
  CASME2_RAW/CASME2-RAW/sub01/EP02_01f/img1.jpg     whole frames, whole clip
  CASME2_Compressed video/CASME2_compressed/sub01/EP02_01f.avi     the same as videos
  (one of the four trees is enough)""",
    trees=(
        Tree("cropped", registered=True, folders=("cropped", "casme2cropped"), prefix="reg_"),
        Tree("selected", registered=False, folders=("casme2rawselected", "rawselected", "selected")),
        Tree("raw", registered=False, folders=("casme2raw", "raw"), prefix="", begins=1),
        # Met under this path in public programs; whether a video holds the whole recording is seen from its length.
        Tree("avi", registered=False, folders=("casme2compressed", "casme2compressedvideo", "avi"), videos=True),
    ),
    published=(
        # First, because the benchmarks' sample counts (246, 240) are those of the 2014 table.
        Published("2014", subjects=26, emotions=_COUNTS_2014, rows=_KNOWN_2014),
        # Three clips of sub24 moved from sadness to surprise; frame numbers are the same.
        Published("2019", subjects=26, emotions={**_COUNTS_2014, "surprise": 28, "sadness": 4}, rows=_KNOWN_2019),
    ),
    subject="sub{:02d}",
)

_FIELDS: Final[tuple[Field, ...]] = ("onset", "apex", "offset")
_COPY = "listing of a Cropped copy, in the history of bioidiap/bob.db.casme2"
_LIST = "apex: list of a table with these frames, xiazhaoqiang/Benchmark-MicroExpressionRec"

Numbers = tuple[int, int, int]  # onset, apex, offset


def _by_frames(sample_id: str, was: Numbers, now: Numbers, source: str) -> list[Correction]:
    """Return what differs between a row of the table and the frames that a copy holds."""
    why = f"the folder holds {now[0]}..{now[2]}"
    return [
        Correction("released", sample_id, field, before, after, why, source, onset=was[0], by_frames=True)
        for field, before, after in zip(_FIELDS, was, now, strict=True)
        if before != after
    ]


def _meb(sample_id: str, onset: int, apex: int) -> Correction:
    """Return an apex of meb, which replaces whatever the row that begins at this onset says."""
    return Correction("meb", sample_id, "apex", None, apex, "re-annotated, whatever the table says", "meb", onset)


CORRECTIONS = (
    *_by_frames("sub07/EP06_01", (15, 49, 68), (56, 89, 91), f"{_COPY}; {_LIST}"),
    *_by_frames("sub07/EP06_01", (56, 89, 116), (56, 89, 91), _COPY),
    *_by_frames("sub12/EP09_02", (16, 59, 101), (161, 176, 206), f"{_COPY}; {_LIST}"),
    *_by_frames("sub12/EP09_06", (66, 111, 111), (66, 111, 106), _COPY),
    *_by_frames("sub16/EP01_08", (73, 94, 110), (73, 94, 96), f"file counts of two copies; {_COPY}"),
    *_by_frames("sub20/EP16_01", (71, 111, 111), (71, 111, 106), _COPY),
    # meb edits a table of 256 rows by their numbers. These are its clips, by the order of that table.
    _meb("sub04/EP12_01f", 261, 279),
    _meb("sub05/EP03_01", 41, 68),
    _meb("sub05/EP07_01", 49, 77),
    _meb("sub05/EP09_05f", 69, 81),
    _meb("sub05/EP16_04f", 141, 166),
    _meb("sub06/EP01_01", 81, 100),
    _meb("sub07/EP06_01", 56, 78),
    Correction("meb", "sub07/EP06_01", "offset", 116, 91, "re-annotated", "meb", onset=56),
    _meb("sub12/EP09_02", 161, 187),
    _meb("sub12/EP09_06", 66, 89),
    _meb("sub13/EP09_10", 51, 80),
    _meb("sub16/EP01_08", 73, 88),
    _meb("sub17/EP03_09", 96, 134),
    _meb("sub17/EP06_07", 216, 231),
    _meb("sub17/EP13_09", 6, 53),
    _meb("sub18/EP19_01", 95, 111),
    _meb("sub20/EP16_01", 71, 91),
    _meb("sub20/EP16_04", 81, 103),
    _meb("sub25/EP09_02", 76, 98),
    _meb("sub25/EP12_01", 131, 153),
    _meb("sub25/EP18_04f", 76, 98),
    Correction("qqxuyujie", "sub04/EP12_01f", "apex", "/", 300, "no apex in the table", "QqXuyujie", onset=261),
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load CASME II; see `mer_di.datasets.load_dataset`."""
    database = read_release(SPEC, find_root(SPEC, root), choice, subject_clips, corrections=CORRECTIONS)
    return with_objective_classes(by_length(database) if database.tree == "avi" else database)
