"""CASME II: three trees of the same clips, below a folder for each subject; numbers are those of the whole clip."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from mer_di.synthetic import drawing
from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import Row, book, saved


def table(rows: Sequence[Row]) -> bytes:
    """Return ``CASME2-coding-20140508.xlsx``: header in the first row, two blank columns, two empty sheets."""
    workbook, sheet = book("Sheet1")
    blank = None
    header = ("Subject", "Filename", blank, "OnsetFrame", "ApexFrame", "OffsetFrame", blank)
    sheet.append((*header, "Action Units", "Estimated Emotion"))
    for row in rows:
        frames = (row.onset, row.apex, row.offset)
        sheet.append((row.subject, row.clip, blank, *frames, blank, row.action_units, row.label))
    workbook.create_sheet("Sheet2")
    workbook.create_sheet("Sheet3")
    return saved(workbook)


def _selected(folder: str, file_name: str, number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"sub{number:02d}"
    # as in the real table, many names end in f, and most occur with several subjects
    clip = f"EP{code_of(take.emotion):02d}_{count:02d}{'f' * ((code_of(take.emotion) + count) % 2)}"
    folder = f"{folder}/{subject}/{clip}"
    cell = f"{number:02d}"
    return entry_of(take, label, subject=subject, cell=cell, clip=clip, first=1, folder=folder, file_name=file_name)


def _whole(folder: str, file_name: str, number: int, count: int, take: Take, label: str) -> Entry:
    return replace(_selected(folder, file_name, number, count, take, label), stored=range(take.length))


def _video(number: int, count: int, take: Take, label: str) -> Entry:
    entry = _whole("", "", number, count, take, label)
    folder = f"CASME2_Compressed video/CASME2_compressed/{entry.subject}"
    return replace(entry, folder=folder, file_name=f"{entry.clip}.avi")


def _layout(camera: Camera, entry: Callable[[int, int, Take, str], Entry]) -> Layout:
    emotions = ("happiness", "others", "disgust", "repression", "surprise", "fear", "sadness")
    return Layout(
        name="casme2",
        camera=camera,
        labels={emotion: emotion for emotion in emotions},
        subjects=tuple(range(1, 100)),
        entry=entry,
        table_name="CASME2-coding-20140508.xlsx",
        table=table,
    )


TREES: Final = {
    "cropped": _layout(drawing.CASME2_CROPPED, partial(_selected, "Cropped/Cropped", "reg_img{}.jpg")),
    "selected": _layout(drawing.CASME2_RAW, partial(_selected, "CASME2_RAW_selected/CASME2_RAW_selected", "img{}.jpg")),
    "raw": _layout(drawing.CASME2_RAW, partial(_whole, "CASME2_RAW/CASME2-RAW", "img{}.jpg")),
    "avi": _layout(drawing.CASME2_RAW, _video),
}
