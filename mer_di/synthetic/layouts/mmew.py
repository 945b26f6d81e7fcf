"""MMEW: the emotion is a folder above the clip; a clip holds the whole recording, numbered from 1."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mer_di.synthetic import drawing
from mer_di.synthetic.drawing import Take
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import Row, book, saved


def table(rows: Sequence[Row]) -> bytes:
    """Return ``MMEW_Micro_Exp.xlsx``: header in the first row, subjects as numbers."""
    workbook, sheet = book("Sheet1")
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame")
    sheet.append((*header, "Action Units", "Estimated Emotion", "remarks"))
    for row in rows:
        frames = (row.onset, row.apex, row.offset)
        sheet.append((row.subject, row.clip, *frames, row.action_units, row.label, None))
    return saved(workbook)


def _entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"S{number:02d}"
    clip = f"{subject}-{code_of(take.emotion):02d}-{count:03d}"
    folder = f"Micro_Expression/{label}/{clip}"
    entry = entry_of(take, label, subject=subject, cell=number, clip=clip, first=1, folder=folder, file_name="{}.jpg")
    return replace(entry, stored=range(take.length))


_EMOTIONS = ("happiness", "surprise", "disgust", "others", "fear", "sadness", "anger")
TREES: Final = {
    "cropped": Layout(
        name="mmew",
        camera=drawing.MMEW,
        labels={emotion: emotion for emotion in _EMOTIONS},
        subjects=tuple(range(1, 100)),
        entry=_entry,
        table_name="MMEW_Micro_Exp.xlsx",
        table=table,
    )
}
