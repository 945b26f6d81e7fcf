"""SAMM Long Videos: the recordings that SAMM's clips were cut from, of which the micro-expressions are read.

A recording holds several movements; a row's file name is the recording's with one more number, the same as in SAMM.
The table knows no emotion. It stands in SAMM's own table, under the same file name, and is joined from there, as other
programs do (github.com/genbing99/MEAN_Spot-then-recognize).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mer_di.datasets import samm
from mer_di.datasets.annotation import Annotation, annotate, choose_annotation, subject_findings
from mer_di.datasets.clips import named_clips
from mer_di.datasets.columns import COLUMNS, Column
from mer_di.datasets.correction import Correction, choose_corrections
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_root, find_tables, not_found
from mer_di.datasets.notation import sample_from
from mer_di.datasets.release import join
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.datasets.table import Row, joined, plain, read_table
from mer_di.errors import AnnotationError

SPEC = Spec(
    name="samm_lv",
    title="SAMM Long Videos",
    citation=(
        "C. H. Yap, C. Kendrick, M. H. Yap: SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions "
        "Dataset. 15th IEEE International Conference on Automatic Face and Gesture Recognition, 771-776, 2020"
    ),
    doi="10.1109/FG47880.2020.00029",
    licence=samm.SPEC.licence,
    request_url="http://www2.docm.mmu.ac.uk/STAFF/M.Yap/dataset.php",
    fps=200.0,
    tables=("SAMM*Long*",),
    layout="""\
SAMM_LV/
  SAMM_LongVideos_V3_Release.xlsx                   or V1, V2
  SAMM_Micro_FACS_Codes_v2.xlsx                     SAMM's own table, from the same owners: it has the emotions
  SAMM_longvideos/006_1/006_1_0001.jpg              whole recordings""",
    trees=(Tree("raw", registered=False),),
    # 147 recordings with 343 macro-expressions and 159 micro-expressions (the paper): those of SAMM, with its labels.
    published=(Published("V1-V3", samm.SPEC.published[0].subjects, samm.SPEC.published[0].emotions),),
    subject=samm.SPEC.subject,
    columns=(
        *(replace(column, required=False) if column.name == "emotion" else column for column in COLUMNS),
        Column("type", ("Type",)),
    ),
    recordings="exception",
)

_RECORDING = re.compile(r"\d{3}_\d+")
_DEPTH = 3  # root / SAMM_longvideos / SAMM_longvideos / recording
_SHOWN = 5


# Each lasts for ten seconds, as macro-expressions do, which are not read; where a table calls one micro, it is mended.
_SOURCE = "public programs that read the release, where they name the last file"
CORRECTIONS = tuple(
    Correction("released", sample_id, "offset", was, now, f"the recording ends at {now}", _SOURCE, by_frames=True)
    for sample_id, was, now in (("020/020_6_5", 5476, 5001), ("036/036_7_4", 8298, 8201))
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load SAMM Long Videos; see `mer_di.datasets.load_dataset`."""
    place = find_root(SPEC, root)
    choose_corrections(CORRECTIONS, choice.corrections)
    annotation = choose_annotation(SPEC, place, choice.table, partial(_read, place))
    clips = named_clips(SPEC, place, choice.tree, _RECORDING, "006_1", _DEPTH)
    other = {_recording(row.text("clip")) for row in annotation.table.rows if not _is_micro(row)}
    other -= {_recording(sample.clip) for sample in annotation.samples}
    labelled = {key: folder for key, folder in clips.folders.items() if key not in other}
    clips = replace(clips, folders=labelled)
    database = join(
        SPEC, place, choice, annotation, clips, corrections=CORRECTIONS, key=lambda sample: _recording(sample.clip)
    )
    return replace(database, findings=(*database.findings, *subject_findings(database.samples, "_")))


def _recording(clip: str) -> str:
    """Return the recording of a movement: ``006_1`` of ``006_1_2``; a clip may also be called as its recording."""
    return "_".join(clip.split("_")[:2])


def _is_micro(row: Row) -> bool:
    return plain(row.text("type")).startswith("micro")


def _read(root: Path, spec: Spec, path: Path) -> Annotation:
    """Read a table and its labels; macro-expressions stay in the table and are no samples."""
    table = read_table(path, spec.columns)
    micro = [row for row in table.rows if _is_micro(row)]
    types = Counter(row.text("type") for row in table.rows if not _is_micro(row))
    told = ", ".join(f"{count} {name!r}" for name, count in types.items())
    if not micro:
        raise AnnotationError(f"{path}: no row has a type that begins with Micro; its rows are {told or 'none'}")
    if "emotion" not in table.columns:
        labels = _labels(root, path)
        table = replace(table, sha256=joined([table, labels.table]).sha256)
        micro = _labelled(path, micro, labels)
    annotation = annotate(spec, replace(table, rows=tuple(micro)), [sample_from(row, spec) for row in micro])
    text = f"{told}: rows of another type than Micro are not read"
    findings = (Finding("macro-expressions", path.name, text),) if types else ()
    return replace(annotation, table=table, findings=(*findings, *annotation.findings))


def _labels(root: Path, path: Path) -> Annotation:
    """Read SAMM's own table, which lies with the database or beside its table."""
    for place in (root, path.parent):
        if find_tables(samm.SPEC, place):
            return choose_annotation(samm.SPEC, place, None)
    raise not_found(
        SPEC,
        f"{path} has no column of emotions. They stand in SAMM's own table, and none named like "
        f"{' or '.join(samm.SPEC.tables)} lies in {root} or beside it. Put it there, or give {path.name} a column "
        "'Estimated Emotion'",
    )


def _labelled(path: Path, rows: Sequence[Row], labels: Annotation) -> list[Row]:
    emotions = {sample.clip.casefold(): sample.emotion_written for sample in labels.samples}
    clips = [row.required_text("clip") for row in rows]
    lost = [clip for clip in clips if clip.casefold() not in emotions]
    if lost:
        raise AnnotationError(
            f"{path}: {len(lost)} of {len(clips)} micro-expressions have no row, and so no emotion, in "
            f"{labels.table.path}: {', '.join(lost[:_SHOWN])}{', …' if len(lost) > _SHOWN else ''}. Compare the file "
            f"names of both tables, or give {path.name} a column 'Estimated Emotion'"
        )
    return [
        replace(row, cells={**row.cells, "emotion": emotions[clip.casefold()]})
        for row, clip in zip(rows, clips, strict=True)
    ]
