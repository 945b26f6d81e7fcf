"""CAS(ME)³: recordings with several micro-expressions each, told apart by their onset; part C has no apex."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.layouts.layout import Entry, Layout, entry_of
from mer_di.synthetic.tables import Row, book, saved

_CAMERA: Final = Camera(
    width=1280, height=720, eye_distance=110, lengths=(5, 14, 40), spread=0.4, before=(5, 15), after=(5, 15), wander=20
)
_APART: Final = 100  # frames from one micro-expression of a recording to the next; none is as long
_PART_A: Final = {
    **{emotion: emotion for emotion in ("disgust", "surprise", "others", "fear", "anger")},
    **{"sadness": "sad", "happiness": "happy"},
}
_PART_C: Final = {"disgust": "negative", "surprise": "surprise", "others": "others", "happiness": "positive"}
_SUBJECTS_A: Final = (*range(1, 16), 17, *range(39, 43), 77, 138, 139, *range(142, 151), *range(152, 164))


def part_a_table(rows: Sequence[Row]) -> bytes:
    """Return ``cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx``: numbers as text, and two sheets without a table."""
    workbook, sheet = book("label")
    sheet.append(("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"))
    for row in rows:
        frames = (str(row.onset), str(row.apex), str(row.offset))
        sheet.append((row.subject, row.clip, *frames, str(row.action_units), "VII", row.label))
    workbook.create_sheet("Sheet1")
    workbook.create_sheet("Sheet3")
    return saved(workbook)


def part_c_table(rows: Sequence[Row]) -> bytes:
    """Return ``CAS(ME)3_part_C_ME.xlsx``: micro-expressions numbered within each subject, without an apex."""
    workbook, sheet = book("mockCrimeME")
    sheet.append(("sub", "count", "onset", "offset", "au", "emotion"))
    for row in rows:
        sheet.append((row.subject, int(row.clip), row.onset, row.offset, row.action_units, row.label))
    return saved(workbook)


def _part_a(number: int, count: int, take: Take, label: str) -> Entry:
    before = list(_PART_A).index(take.emotion) + len(_PART_A) * (count - 1)
    recording, event = "abcdefghijklm"[before // 2 % 13], before % 2 + 2 * (before // 26)
    subject = f"spNO.{number}"
    folder = f"part_A/{subject}/{recording}/color"
    first = 1 + _APART * event
    entry = entry_of(
        take, label, subject=subject, cell=subject, clip=recording, first=first, folder=folder, file_name="{}.jpg"
    )
    return replace(entry, stored=range(take.length))


def _part_c(number: int, count: int, take: Take, label: str) -> Entry:
    before = list(_PART_C).index(take.emotion) + len(_PART_C) * (count - 1)
    subject = f"{number:02d}"
    folder = f"part_C/{subject}/a/color"
    first = 1 + _APART * before
    entry = entry_of(
        take, label, subject=subject, cell=number, clip=str(before + 1), first=first, folder=folder, file_name="{}.jpg"
    )
    return replace(entry, stored=range(take.length))


TREES: Final = {
    "part_a": Layout(
        name="cas_me_3",
        camera=_CAMERA,
        labels=_PART_A,
        subjects=_SUBJECTS_A,
        entry=_part_a,
        table_name="cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        table=part_a_table,
    ),
    "part_c": Layout(
        name="cas_me_3",
        camera=_CAMERA,
        labels=_PART_C,
        subjects=(*range(1, 22), *range(23, 32)),
        entry=_part_c,
        table_name="CAS(ME)3_part_C_ME.xlsx",
        table=part_c_table,
    ),
}
