"""SAMM: numbers are those of a recording of minutes, and the table begins with notes."""

from collections.abc import Sequence
from typing import Final

from mer_di.synthetic import drawing
from mer_di.synthetic.drawing import Take
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import NOTICE, Row, book, saved

_PREAMBLE: Final = (
    NOTICE,
    "Laid out as the micro-movement release of SAMM, whose table begins with thirteen rows of notes like these.",
    None,
    "Symbols in the column Action Units:",
    '"+" joins the action units of one movement',
    '"L" and "R" before a number: the left or the right side of the face alone',
    None,
    "Frame numbers count from the start of the recording; onset and offset are inclusive.",
    "Duration is a formula: offset - onset + 1.",
    None,
    None,
    None,
    None,
)


def table(rows: Sequence[Row]) -> bytes:
    """Return ``SAMM_Micro_FACS_Codes_v2.xlsx``: thirteen rows of notes, then the header.

    Durations are formulas, saved with their values.
    """
    workbook, sheet = book("MICRO_ONLY")
    for note in _PREAMBLE:
        sheet.append((note,))
    header = ("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration")
    sheet.append((*header, "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"))
    for line, row in enumerate(rows, start=len(_PREAMBLE) + 2):
        inducement = int(row.clip.split("_")[1])
        frames = (row.onset, row.apex, row.offset, f"=SUM(F{line}-D{line})+1")
        sheet.append((row.subject, row.clip, inducement, *frames, "Micro - 1/2", row.action_units, row.label, 7, None))
    durations = {f"G{line}": row.offset - row.onset + 1 for line, row in enumerate(rows, start=len(_PREAMBLE) + 2)}
    return saved(workbook, durations)


def _entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"{number:03d}"
    more, inducement = divmod(
        code_of(take.emotion) - 1, 7
    )  # there were seven inducements, and there are eight emotions
    clip = f"{subject}_{inducement + 1}_{2 * count - 1 + more}"
    first = 200 + take.noise_seed % 12000  # numbers are those of a recording of minutes
    name = subject + "_{:05d}.jpg"
    folder = f"{subject}/{clip}"
    return entry_of(take, label, subject=subject, cell=subject, clip=clip, first=first, folder=folder, file_name=name)


TREES: Final = {
    "raw": Layout(
        name="samm",
        camera=drawing.SAMM,
        labels={
            "anger": "Anger",
            "contempt": "Contempt",
            "disgust": "Disgust",
            "fear": "Fear",
            "happiness": "Happiness",
            "others": "Other",
            "sadness": "Sadness",
            "surprise": "Surprise",
        },
        subjects=tuple(number for number in range(6, 100) if number not in (8, 27, 29)),
        entry=_entry,
        table_name="SAMM_Micro_FACS_Codes_v2.xlsx",
        table=table,
    )
}
