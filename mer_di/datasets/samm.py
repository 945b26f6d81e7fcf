"""SAMM, the micro-movement release of Manchester Metropolitan University.

The frame numbers are those of the whole recording; a folder holds onset..offset only. File names are zero-padded,
to different widths. The table says ``Other`` where the other databases say ``others``.
"""

from dataclasses import replace
from pathlib import Path

from mer_di.datasets.annotation import subject_findings
from mer_di.datasets.clips import subject_clips
from mer_di.datasets.correction import Correction
from mer_di.datasets.database import Database
from mer_di.datasets.locate import find_root
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, KnownRow, Published, Spec, Tree

SPEC = Spec(
    name="samm",
    title="SAMM",
    citation=(
        "A. K. Davison, C. Lansley, N. Costen, K. Tan, M. H. Yap: SAMM: A Spontaneous Micro-Facial Movement Dataset. "
        "IEEE Transactions on Affective Computing 9(1), 116-129, 2018"
    ),
    doi="10.1109/TAFFC.2016.2573832",
    licence="Signed release agreement; non-commercial research; no redistribution, no modification.",
    request_url="https://megc2025.github.io/files/SAMM_ReleaseAgreementV2.pdf",
    fps=200.0,
    tables=("SAMM*Micro*FACS*", "SAMM"),
    layout="""\
SAMM/
  SAMM_Micro_FACS_Codes_v2.xlsx
  006/006_1_2/006_05562.jpg                         whole frames, onset..offset
  SAMM_CROP/006/006_1_2/006_05562.jpg               face crops, if you have them""",
    trees=(
        Tree("cropped", registered=True, folders=("sammcrop", "sammcropped", "cropped", "crop")),
        Tree("raw", registered=False, prefix=""),
    ),
    published=(
        # 32 people were recorded; the table has rows of 29.
        Published(
            "v2",
            subjects=29,
            emotions={
                "anger": 57,
                "happiness": 26,
                "others": 26,
                "surprise": 15,
                "contempt": 12,
                "disgust": 9,
                "fear": 8,
                "sadness": 6,
            },
            rows={
                "026/026_3_3": KnownRow(1704, 1736, 1737),
                "028/028_4_1": KnownRow(1071, 1143, 1134, "contempt"),
                "032/032_3_1": KnownRow(4896, 1930, 4970, "anger"),
                "032/032_3_2": KnownRow(5126, 5127, 5207),
            },
        ),
    ),
    subject="{:03d}",
)

CORRECTIONS = (
    Correction("meb", "028/028_4_1", "apex", was=1143, now=1105, why="apex after offset", source="meb"),
    Correction("meb", "032/032_3_1", "apex", was=1930, now=4945, why="apex before onset", source="meb"),
    Correction("meb", "032/032_3_2", "apex", was=5127, now=5130, why="one frame after onset", source="meb"),
    Correction("meb", "013/013_1_9", "offset", was=5793, now=5739, why="transposed in older copies", source="meb"),
    Correction("qqxuyujie", "028/028_4_1", "apex", was=1143, now=1124, why="apex after offset", source="QqXuyujie"),
    Correction(
        "qqxuyujie",
        "032/032_3_1",
        "apex",
        was=1930,
        now=4930,
        why="apex before onset: a wrong digit",
        source="QqXuyujie",
    ),
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load SAMM; see `mer_di.datasets.load_dataset`."""
    database = read_release(SPEC, find_root(SPEC, root), choice, subject_clips, corrections=CORRECTIONS)
    return replace(database, findings=(*database.findings, *subject_findings(database.samples, "_")))
