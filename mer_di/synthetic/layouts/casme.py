"""CASME: numbers that are padded for some subjects, and two apex columns."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import Row, book, saved

_LENGTHS: Final = (8, 18, 30)
_FACES: Final = Camera(
    width=150, height=190, eye_distance=58, lengths=_LENGTHS, spread=0.3, before=(5, 40), crop_spread=8
)
_WHOLE: Final = Camera(width=640, height=480, eye_distance=90, lengths=_LENGTHS, spread=0.3, before=(5, 40), wander=6)
_LABELS: Final = {
    **{
        emotion: emotion
        for emotion in ("disgust", "repression", "surprise", "happiness", "sadness", "fear", "contempt")
    },
    "others": "tense",
}
_PADDED: Final = 20  # and subjects of a higher number


def table(rows: Sequence[Row]) -> bytes:
    """Return ``casme.xlsx``: two blank columns, two apexes, of which the second is mostly blank."""
    workbook, sheet = book("Sheet1")
    sheet.append(("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU", "Emotion"))
    for number, row in enumerate(rows):
        second = row.offset - 1 if number % 5 == 0 else None
        frames = (row.onset, row.apex, second, row.offset)
        sheet.append((row.subject, row.clip, None, *frames, None, row.action_units, row.label))
    return saved(workbook)


def _entry(home: str, prefix: str, number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"sub{number:02d}"
    clip = f"EP{code_of(take.emotion):02d}_{count}"
    digits = "{:03d}" if number >= _PADDED else "{}"
    return entry_of(
        take,
        label,
        subject=subject,
        cell=number,
        clip=clip,
        first=1,
        folder=f"{home}/{subject}/{clip}",
        file_name=f"{prefix}{clip}-{digits}.jpg",
    )


def _layout(camera: Camera, home: str, prefix: str) -> Layout:
    return Layout(
        name="casme",
        camera=camera,
        labels=_LABELS,
        subjects=(1, 2, 23, *range(3, 20), *range(20, 23), *range(24, 36)),
        entry=partial(_entry, home, prefix),
        table_name="casme.xlsx",
        table=table,
    )


TREES: Final = {
    "cropped": _layout(_FACES, "Cropped", "reg_"),
    "selected": _layout(_WHOLE, "CASME_raw_selected", ""),
}
