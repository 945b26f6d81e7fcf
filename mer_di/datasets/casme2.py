"""CASME II, as the Institute of Psychology of the Chinese Academy of Sciences distributes it.

The frame numbers are those of the whole recording from its first frame; a cropped or selected folder therefore
begins at the onset number, not at 1. File names are not padded. The same clip name occurs with several subjects.
"""

from pathlib import Path

from mer_di.datasets.clips import subject_clips
from mer_di.datasets.correction import Correction
from mer_di.datasets.database import Database
from mer_di.datasets.locate import find_root
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Published, Spec, Tree

_COUNTS_2014 = {
    "others": 99,
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
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
  Cropped/sub01/EP02_01f/reg_img46.jpg              registered faces, onset..offset
  CASME2_RAW_selected/sub01/EP02_01f/img46.jpg      whole frames, onset..offset
  CASME2_RAW/CASME2-RAW/sub01/EP02_01f/img1.jpg     whole frames, whole clip
  (one of the three trees is enough)""",
    trees=(
        Tree("cropped", registered=True, folders=("cropped", "casme2cropped"), prefix="reg_"),
        Tree("selected", registered=False, folders=("casme2rawselected", "rawselected", "selected")),
        Tree("raw", registered=False, folders=("casme2raw", "raw"), prefix=""),
    ),
    published=(
        # First, because the benchmarks' sample counts (246, 240) are those of the 2014 table.
        Published("2014", subjects=26, emotions=_COUNTS_2014),
        # Three clips of sub24 moved from sadness to surprise; frame numbers are the same.
        Published("2019", subjects=26, emotions={**_COUNTS_2014, "surprise": 28, "sadness": 4}),
    ),
    subject="sub{:02d}",
)

CORRECTIONS = (
    Correction(
        "released",
        "sub16/EP01_08",
        "offset",
        was=110,
        now=96,
        why="the released folder holds 24 frames, 73..96; the apex, 94, is among them",
        source="file counts of two independent copies of the database",
    ),
    Correction("meb", "sub04/EP12_01f", "apex", was="/", now=279, why="no apex in the table", source="meb"),
    Correction("meb", "sub07/EP06_01", "offset", was=68, now=91, why="re-annotated", source="meb"),
    Correction("qqxuyujie", "sub04/EP12_01f", "apex", was="/", now=300, why="no apex in the table", source="QqXuyujie"),
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load CASME II; see `mer_di.datasets.load_dataset`."""
    return read_release(SPEC, find_root(SPEC, root), choice, subject_clips, corrections=CORRECTIONS)
