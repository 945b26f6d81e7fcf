"""SAMM Long Videos: several movements a recording, macro-expressions among them; emotions stand in SAMM's own table."""

from collections.abc import Sequence
from typing import Final

from mer_di.synthetic.drawing import Take
from mer_di.synthetic.layouts import samm
from mer_di.synthetic.layouts.layout import Entry, Layout, code_of, entry_of
from mer_di.synthetic.tables import NOTICE, Row, book, saved

_PREAMBLE: Final = (
    NOTICE,
    "Laid out as SAMM Long Videos, whose table begins with nine rows of notes like these.",
    *(None,) * 7,
)
_APART: Final = 400  # frames between the beginnings of two movements of a recording


def table(rows: Sequence[Row]) -> bytes:
    """Return ``SAMM_LongVideos_V3_Release.xlsx``: nine rows of notes, then the header; no column holds an emotion.

    Each recording also has a macro-expression, of which no frame is drawn.
    """
    workbook, sheet = book("FACS_Movement_Only")
    for note in _PREAMBLE:
        sheet.append((note,))
    header = ("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type")
    sheet.append((*header, "Action Units", "Notes"))
    for row in rows:
        inducement = int(row.clip.split("_")[1])
        frames = (float(row.onset), row.apex, float(row.offset), float(row.offset - row.onset + 1))
        sheet.append((row.subject, row.clip, inducement, *frames, "Micro - 1/2", row.action_units, None))
    for recording in sorted({row.clip.rpartition("_")[0] for row in rows}):
        subject, _, code = recording.partition("_")
        sheet.append((subject, f"{recording}_99", int(code), 9000.0, 9200.0, 9400.0, 401.0, "Macro", "12", None))
    return saved(workbook)


def _entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"{number:03d}"
    more, inducement = divmod(code_of(take.emotion) - 1, 7)
    event = 2 * count - 1 + more
    recording = f"{subject}_{inducement + 1}"
    width = 4 + inducement % 2  # as in the release, some recordings have four digits and some five
    return entry_of(
        take,
        label,
        subject=subject,
        cell=subject,
        clip=f"{recording}_{event}",
        first=1 + _APART * event,
        folder=f"SAMM_longvideos/{recording}",
        file_name=f"{recording}_{{:0{width}d}}.jpg",
    )


_SAMM: Final = samm.TREES["raw"]
TREES: Final = {
    "raw": Layout(
        name="samm_lv",
        camera=_SAMM.camera,
        labels=_SAMM.labels,
        subjects=_SAMM.subjects,
        entry=_entry,
        table_name="SAMM_LongVideos_V3_Release.xlsx",
        table=table,
        more_tables={_SAMM.table_name: _SAMM.table},
    )
}
