"""DFME, as the University of Science and Technology of China distributes it.

Its rows stand in three tables, those of the challenge: a training set and two test sets, which share no subject. They
are read as one. Frame numbers count from 0; frames a second are a column, for three kinds of camera filmed.
"""

import re
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

from mer_di.datasets.annotation import subject_findings
from mer_di.datasets.clips import Clips, named_clips
from mer_di.datasets.columns import COLUMNS, Column
from mer_di.datasets.database import Database
from mer_di.datasets.locate import find_root
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Published, Spec, Tree

_EMOTIONS = ("disgust", "surprise", "sadness", "fear", "happiness", "anger", "contempt")
# Subjects and rows of the seven emotions. Counted in the tables; the same sums, subjects included, stand in the splits
# of github.com/LanEinstein/DAD-Net (no_leak_protocol/splits/dfme_7class_internalval.json).
_TABLES = {
    "training": (176, (548, 298, 278, 265, 206, 161, 100)),
    "test A": (42, (129, 101, 46, 62, 63, 39, 34)),
    "test B": (41, (58, 48, 35, 38, 42, 41, 37)),
}


def _published(*tables: str) -> Published:
    subjects = sum(_TABLES[table][0] for table in tables)
    counts = [sum(column) for column in zip(*(_TABLES[table][1] for table in tables), strict=True)]
    return Published(" + ".join(tables), subjects, dict(zip(_EMOTIONS, counts, strict=True)))


SPEC = Spec(
    name="dfme",
    title="DFME",
    citation=(
        "S. Zhao, H. Tang, X. Mao, S. Liu, Y. Zhang, H. Wang, T. Xu, E. Chen: DFME: A New Benchmark for Dynamic Facial "
        "Micro-Expression Recognition. IEEE Transactions on Affective Computing 15(3), 1371-1386, 2024"
    ),
    doi="10.1109/TAFFC.2023.3341918",
    licence="Signed agreement with the owners; research only; not to be passed on.",
    request_url="https://mea-lab-421.github.io",
    fps=None,
    # As unpacked from full_release_annotation; other code calls them DFME_training_full_with_AU.xlsx, and so on.
    tables=("*training*full*", "*test_A*", "*test_B*", "DFME*"),
    layout="""\
DFME/
  training_full_with_AU.xlsx, test_A_full_with_AU.xlsx, test_B_full_with_AU.xlsx     those that you have
  train_data/sub0003_01/00000.png                   whole frames, from number 0 (the folder above may have any name)""",
    trees=(Tree("raw", registered=False, begins=0),),
    published=(_published(*_TABLES), *map(_published, _TABLES)),
    subject="sub{:04d}",
    columns=(*COLUMNS, Column("fps", ("Fps",))),
    in_parts=True,
)

_CLIP = re.compile(r"sub\d+_\d+", re.IGNORECASE)
_DEPTH = 3  # root / train_data / train_data / clip


def load(root: Path | None, choice: Choice) -> Database:
    """Load DFME; see `mer_di.datasets.load_dataset`."""
    database = read_release(SPEC, find_root(SPEC, root), choice, _find_clips, key=attrgetter("clip"))
    return replace(database, findings=(*database.findings, *subject_findings(database.samples, "_")))


def _find_clips(spec: Spec, root: Path, wanted: str | None) -> Clips:
    return named_clips(spec, root, wanted, _CLIP, "sub0003_01", _DEPTH)
