"""CAS(ME)²: a table without a header, in which most rows are macro-expressions, and two sheets of codes."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.layouts.layout import Entry, Layout, entry_of
from mer_di.synthetic.tables import Row, book, saved

_AROUND: Final = (5, 20)
_FACES: Final = Camera(
    width=190, height=230, eye_distance=74, lengths=(5, 10, 16), spread=0.25, before=_AROUND, after=_AROUND
)
_WHOLE: Final = Camera(
    width=640, height=480, eye_distance=90, lengths=(5, 10, 16), spread=0.25, wander=6, before=_AROUND, after=_AROUND
)
_APART: Final = 60  # frames from one expression of a recording to the next
_LABELS: Final = {"disgust": "negative", "happiness": "positive", "surprise": "surprise", "others": "others"}
_VIDEOS: Final = {"disgust": "disgust1", "happiness": "happy1", "surprise": "anger1", "others": "disgust2"}
_CODES: Final = {"disgust1": "0101", "disgust2": "0102", "anger1": "0401", "happy1": "0502"}
_FOLDERS: Final = {"0101": "disgustingteeth", "0102": "eatingworms", "0401": "girlcrashing", "0502": "funnyerrors"}
_SUBJECTS: Final = (15, 16, *range(19, 28), *range(29, 39), 40)


def table(rows: Sequence[Row]) -> bytes:
    """Return ``CAS(ME)^2code_final.xlsx``: after each micro-expression a macro-expression; who and what is meant."""
    workbook, sheet = book("CASFEcode_final")
    for row in rows:
        number = _SUBJECTS.index(int(row.subject)) + 1
        frames = (row.onset, row.apex, row.offset)
        sheet.append((number, row.clip, *frames, row.action_units, row.label, "micro-expression", "sadness"))
        frames = (row.offset + 1, row.offset + 9, row.offset + 25)
        sheet.append((number, f"{row.clip}0", *frames, 12, "positive", "macro-expression", "happiness"))
    people = workbook.create_sheet("naming rule1")
    for number, subject in enumerate(_SUBJECTS, start=1):
        people.append((None, f"s{subject}", number))
    videos = workbook.create_sheet("naming rule2")
    for video, code in _CODES.items():
        videos.append((code, video))
    return saved(workbook)


def _clip(home: str, number: int, count: int, take: Take, label: str) -> Entry:
    clip = f"{_VIDEOS[take.emotion]}_{count}"
    return entry_of(
        take,
        label,
        subject=f"s{number}",
        cell=number,
        clip=clip,
        first=1 + _APART * count,
        folder=f"{home}/s{number}/{clip}",
        file_name="img{:03d}.jpg",
    )


def _recording(number: int, count: int, take: Take, label: str) -> Entry:
    entry = _clip("rawpic", number, count, take, label)
    code = _CODES[_VIDEOS[take.emotion]]
    folder = f"rawpic/s{number}/{number}_{code}{_FOLDERS[code]}"
    return replace(entry, folder=folder, stored=range(take.length))


_FACE_CROPS: Final = Layout(
    name="cas_me_2",
    camera=_FACES,
    labels=_LABELS,
    subjects=_SUBJECTS,
    entry=partial(_clip, "cropped"),
    table_name="CAS(ME)^2code_final.xlsx",
    table=table,
)
TREES: Final = {
    "cropped": _FACE_CROPS,
    "selectedpic": replace(_FACE_CROPS, camera=_WHOLE, entry=partial(_clip, "selectedpic")),
    "rawpic": replace(_FACE_CROPS, camera=_WHOLE, entry=_recording),
}
