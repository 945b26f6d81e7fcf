"""MEVIEW: videos from television; the table's header is two rows, and says nothing of an apex."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.expression import EMOTIONS
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import Row, book, saved

_CAMERA: Final = Camera(
    width=640, height=360, eye_distance=80, lengths=(8, 14, 24), spread=0.3, before=(6, 20), after=(6, 20), wander=8
)
_LABELS: Final = {
    "happiness": "happy",
    "surprise": "surprise",
    "disgust": "contempt/disgust",
    "fear": "fear",
    "anger": "anger",
    "contempt": "contempt",
}
_CODERS: Final = ("Coder 1", "Coder 2")
_EMPTY: Final = (None,) * 4  # between the last frame number and the emotion


def table(rows: Sequence[Row]) -> bytes:
    """Return ``MEVIEW_v2.xlsx``: each annotator's frames under a merged cell with the name, then the final ones."""
    workbook, sheet = book("Sheet1")
    above: list[str | None] = [None, None]
    header: list[str | None] = ["Subject", "ID"]
    for coder in _CODERS:
        above += [coder, None, None, None, None]
        header += ["Onset", "Offset", "Length", "Emotion", None]
    sheet.append((*above, None, "FINAL", None, *_EMPTY, None, None))
    sheet.append((*header, None, "Onset", "Offset", *_EMPTY, "Emotion", "AU"))
    sheet.merge_cells("N1:O1")
    for row in rows:
        coders = [(row.onset + shift, row.offset, row.offset - row.onset, row.label, None) for shift in (0, 1)]
        cells = [cell for coder in coders for cell in coder]
        sheet.append(
            (row.subject, int(row.clip), *cells, None, row.onset, row.offset, *_EMPTY, row.label, row.action_units)
        )
    return saved(workbook)


def _entry(number: int, count: int, take: Take, label: str) -> Entry:
    clip = (count - 1) * len(EMOTIONS) + code_of(take.emotion)
    entry = entry_of(
        take,
        label,
        subject=f"sub{number:02d}",
        cell=number,
        clip=str(clip),
        first=1,
        folder="me-cuts/cuts",
        file_name=f"sub{number:02d}-{clip}.mp4",
    )
    return replace(entry, stored=range(take.length))


TREES: Final = {
    "video": Layout(
        name="meview",
        camera=_CAMERA,
        labels=_LABELS,
        subjects=tuple(range(1, 100)),
        entry=_entry,
        table_name="MEVIEW_v2.xlsx",
        table=table,
    )
}
