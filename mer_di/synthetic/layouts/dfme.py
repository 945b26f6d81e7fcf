"""DFME: a clip is a folder of PNG files, numbered from 0; three cameras, whose rate is a column."""

from collections.abc import Sequence
from typing import Final

from mer_di.synthetic.drawing import Camera, Take
from mer_di.synthetic.expression import EMOTIONS
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import Row, book, saved

# A fourth of the area of the real frames, and of their span at 500 frames a second: PNG files of noise are large.
_CAMERA: Final = Camera(
    width=512, height=384, eye_distance=90, lengths=(12, 30, 60), spread=0.35, before=(0, 4), after=(0, 4), wander=5
)
_LABELS: Final = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
_RATES: Final = (500, 300, 200)


def table(rows: Sequence[Row]) -> bytes:
    """Return ``training_full_with_AU.xlsx``: header in the first row, an alphabetical number beside each emotion."""
    workbook, sheet = book("Sheet1")
    frames = ("OnsetFrame", "ApexFrame", "OffsetFrame")
    sheet.append(("Subject", "Filename", *frames, "Emotion", "EmotionId", "Fps", "AU"))
    for row in rows:
        rate = _RATES[int(str(row.subject).removeprefix("sub")) % len(_RATES)]
        numbers = (row.onset, row.apex, row.offset)
        emotion = row.label.strip().casefold()
        number = _LABELS.index(emotion) if emotion in _LABELS else None
        sheet.append((row.subject, row.clip, *numbers, row.label, number, rate, row.action_units))
    return saved(workbook)


def _entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"sub{number:04d}"
    clip = f"{subject}_{(count - 1) * len(EMOTIONS) + code_of(take.emotion):02d}"
    folder = f"train_data/{clip}"
    return entry_of(
        take, label, subject=subject, cell=subject, clip=clip, first=0, folder=folder, file_name="{:05d}.png"
    )


TREES: Final = {
    "raw": Layout(
        name="dfme",
        camera=_CAMERA,
        labels={emotion: emotion for emotion in _LABELS},
        subjects=tuple(range(3, 672)),
        entry=_entry,
        table_name="training_full_with_AU.xlsx",
        table=table,
    )
}
