"""SMIC: the short clips lie below emotions and have no table; the long ones have one, and no apex in it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from mer_di.origin import SYNTHETIC_NOTE
from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.layouts.layout import Entry, Layout, entry_of
from mer_di.synthetic.tables import NOTICE, Row, book, saved

_LABELS: Final = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}
_CODES: Final = {"negative": "ne", "positive": "po", "surprise": "sur"}
_SUBJECTS: Final = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
_SECOND_SESSION: Final = _SUBJECTS[8:]  # who was filmed by all three cameras
_FACES: Final = Camera(width=140, height=170, eye_distance=52, lengths=(11, 34, 58), spread=0.3)
_SLOW_FACES: Final = Camera(width=140, height=170, eye_distance=52, lengths=(4, 9, 13), spread=0.25)
_WHOLE: Final = Camera(width=640, height=480, eye_distance=80, lengths=(11, 34, 58), spread=0.3, wander=5)
_SLOW_WHOLE: Final = Camera(width=640, height=480, eye_distance=80, lengths=(4, 9, 13), spread=0.25, wander=5)


def table(rows: Sequence[Row]) -> bytes:
    """Return ``SMIC-HS-E_annotation.xlsx``: up to three micro-expressions a row, and text below the rows."""
    workbook, sheet = book("Sheet1")
    header = ("Subject", "Filename", "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F")
    sheet.append((*header, "TotalMF1", "TotalMF2", "TotalMF3", "Emotion", "FirstF", "LastF", "TotalVL"))
    for row in rows:
        length = row.offset - row.onset + 1
        spans = (row.onset, row.offset, None, None, None, None, length, None, None)
        sheet.append((row.subject, row.clip, *spans, row.label, row.onset - 20, row.offset + 20, length + 40))
    sheet.append((NOTICE,))
    return saved(workbook)


def note(_rows: Sequence[Row]) -> bytes:
    """Return what lies beside clips that have no table."""
    return f"{NOTICE}\n".encode()


def _clip(home: str, file_name: str, number: int, count: int, take: Take, label: str) -> Entry:
    clip = f"s{number}_{_CODES[label]}_{count:02d}"
    folder = f"{home}/s{number}/micro/{label}/{clip}"
    first = 1000 + take.noise_seed % 90000  # numbers are those of a recording
    subject = f"s{number:02d}"
    return entry_of(
        take, label, subject=subject, cell=number, clip=clip, first=first, folder=folder, file_name=file_name
    )


def _long_clip(home: str, number: int, count: int, take: Take, label: str) -> Entry:
    entry = _clip(home, "image{:06d}.jpg", number, count, take, label)
    return replace(entry, folder=f"{home}/s{number:02d}/{entry.clip}", stored=range(take.length))


def _layout(
    camera: Camera,
    entry: Callable[[int, int, Take, str], Entry],
    table_name: str,
    contents: Callable[[Sequence[Row]], bytes],
    subjects: tuple[int, ...],
) -> Layout:
    return Layout(
        name="smic",
        camera=camera,
        labels=_LABELS,
        subjects=subjects,
        entry=entry,
        table_name=table_name,
        table=contents,
    )


def _short(name: str) -> dict[str, Layout]:
    fast = name == "HS"
    subjects = _SUBJECTS if fast else _SECOND_SESSION
    faces = partial(_clip, f"SMIC_all_cropped/{name}", "reg_image{:06d}.bmp")
    whole = partial(_clip, f"SMIC_all_raw/{name}", "image{:06d}.bmp")
    mark = f"/{name}/{SYNTHETIC_NOTE}"
    return {
        name.lower(): _layout(_FACES if fast else _SLOW_FACES, faces, f"SMIC_all_cropped{mark}", note, subjects),
        f"raw_{name.lower()}": _layout(_WHOLE if fast else _SLOW_WHOLE, whole, f"SMIC_all_raw{mark}", note, subjects),
    }


def _long(name: str) -> Layout:
    fast = name == "HS"
    home = f"SMIC-E_raw image/{name}_long"
    camera = replace(_WHOLE if fast else _SLOW_WHOLE, before=(20, 20), after=(20, 20))
    entry = partial(_long_clip, f"{home}/SMIC-{name}-E")
    subjects = _SUBJECTS if fast else _SECOND_SESSION
    return _layout(camera, entry, f"{home}/SMIC-{name}-E_annotation.xlsx", table, subjects)


TREES: Final = {
    **_short("HS"),
    **_short("VIS"),
    **_short("NIR"),
    "e": _long("HS"),
    "e_vis": _long("VIS"),
    "e_nir": _long("NIR"),
}
