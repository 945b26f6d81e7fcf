"""CASME, the first database of the Institute of Psychology of the Chinese Academy of Sciences.

The table has two apex columns and nobody says what the second one is, so that it is reported and not read. Frame
numbers of the clips in its second half are padded, those of the first are not.

Sources: the owners' page (http://casme.psych.ac.cn/casme/e1) for 195 micro-expressions and 60 frames a second;
github.com/tvaranka/meb for the 189 rows of the table, its columns, the folders and the padding. How many rows there are
of each emotion was found in no public source.
"""

from dataclasses import replace
from pathlib import Path

from mer_di.datasets.annotation import Annotation, annotate
from mer_di.datasets.clips import subject_clips
from mer_di.datasets.columns import Column
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_root
from mer_di.datasets.notation import sample_from
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.datasets.table import frame_number, read_table

SPEC = Spec(
    name="casme",
    title="CASME",
    citation=(
        "W.-J. Yan, Q. Wu, Y.-J. Liu, S.-J. Wang, X. Fu: CASME Database: A Dataset of Spontaneous Micro-Expressions "
        "Collected From Neutralized Faces. IEEE FG 2013"
    ),
    doi="10.1109/FG.2013.6553799",
    licence="Signed licence agreement; research only; no redistribution.",
    request_url="http://casme.psych.ac.cn/casme/e1",
    fps=60.0,
    tables=("CASME", "CASME-*", "CASME_*"),
    layout="""\
CASME/
  casme.xlsx
  Cropped/sub01/EP01_12/reg_EP01_12-72.jpg          registered faces
  CASME_raw_selected/sub01/EP01_12/EP01_12-72.jpg   whole frames""",
    trees=(
        Tree("cropped", registered=True, folders=("cropped", "casmecropped"), prefix="reg_"),
        Tree("selected", registered=False, folders=("casmerawselected", "rawselected"), prefix=""),
    ),
    published=(
        Published("table", subjects=None, total=189),
        Published("owners' page", subjects=None, total=195),
    ),
    subject="sub{:02d}",
    columns=(
        Column("subject", ("Subject",)),
        Column("clip", ("Filename",)),
        Column("onset", ("OnsetF", "OnsetFrame")),
        Column("apex", ("ApexF1", "ApexF", "ApexFrame"), required=False),
        Column("apex2", ("ApexF2",), required=False),
        Column("offset", ("OffsetF", "OffsetFrame")),
        Column("emotion", ("Emotion", "Estimated Emotion")),
        Column("action_units", ("AU", "AUs", "Action Units"), required=False),
    ),
    recordings="exception",
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load CASME; see `mer_di.datasets.load_dataset`."""
    return read_release(SPEC, find_root(SPEC, root), choice, subject_clips, read=_read)


def _read(spec: Spec, path: Path) -> Annotation:
    table = read_table(path, spec.columns)
    samples = [sample_from(row, spec) for row in table.rows]
    annotation = annotate(spec, table, samples)
    second = [
        sample
        for row, sample in zip(table.rows, samples, strict=True)
        if frame_number(row.cells.get("apex2")) is not None
    ]
    if not second:
        return annotation
    lone = [sample.recording for sample in second if sample.apex is None]
    text = f"{len(second)} rows have a second apex, in ApexF2; ApexF1 is read, ApexF2 is not"
    text += f", also where it is the only one: {', '.join(lone)}" if lone else ""
    return replace(annotation, findings=(*annotation.findings, Finding("second-apex", path.name, text)))
