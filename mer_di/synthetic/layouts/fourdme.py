"""4DME: the micro-expressions of its grey camera; an emotion may be two words with a plus between them."""

from collections.abc import Sequence
from typing import Final

from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import Row, book, saved

_CAMERA: Final = Camera(width=640, height=480, eye_distance=100, lengths=(8, 18, 30), spread=0.3, wander=6, grey=True)
_LABELS: Final = {
    "happiness": "Positive",
    "surprise": "Surprise",
    "disgust": "Negative",
    "fear": "Surprise+Negative",
    "others": "Others",
    "repression": "Repression",
}
_WORDS: Final = ("Positive", "Negative", "Surprise", "Repression", "Others")


def table(rows: Sequence[Row]) -> bytes:
    """Return ``4DME_Labelling_Micro_release v1.xlsx``: header in the first row, a column for each word of a label."""
    workbook, sheet = book("Sheet1")
    header = ("sub_ID", "fold", "fold_name", "Onset", "Apex", "Offset", "Emotion", "AUs", "eye blink")
    sheet.append((*header, *_WORDS))
    for row in rows:
        subject = int(str(row.subject).removeprefix("S"))
        words = row.label.split("+")
        numbers = (row.onset, row.apex, row.offset)
        marks = [int(word in words) for word in _WORDS]
        sheet.append((row.subject, subject % 5 + 1, row.clip, *numbers, row.label, f"AU{row.action_units}", 0, *marks))
    return saved(workbook)


def _entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"S{number}"
    clip = f"{code_of(take.emotion):03d}_{count:02d}_1"
    return entry_of(
        take,
        label,
        subject=subject,
        cell=subject,
        clip=clip,
        first=100 + take.noise_seed % 3000,  # numbers are those of a recording of a minute
        folder=f"gray_micro/{subject}/{clip}",
        file_name="{:05d}.jpg",
    )


TREES: Final = {
    "raw": Layout(
        name="4dme",
        camera=_CAMERA,
        labels=_LABELS,
        subjects=tuple(range(1, 100)),
        entry=_entry,
        table_name="4DME_Labelling_Micro_release v1.xlsx",
        table=table,
    )
}
