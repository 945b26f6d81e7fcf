"""One row of an annotation table, in the words of the field."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated micro-expression.

    Attributes
    ----------
    dataset : str
        Registry name of the database, such as ``"casme2"``.
    subject : str
        Subject in the database's own notation: ``sub01``, ``006``, ``S01``.
    clip : str
        The table's file name, verbatim. Not unique within a database; within a subject, but for recordings.
    onset, apex, offset : int or None
        Frame numbers as the table writes them (for a folder of images the last integer of the file name,
        for a video the 0-based position); ``offset`` is inclusive. None where the cell holds no number.
    emotion : str
        Canonical label: lower case, ``others``, ``happiness``, ``sadness`` for their spelling variants.
    emotion_written : str
        The label as the table spells it.
    action_units : str
        The table's action-unit cell as text, empty where there is none.
    fps : float or None
        Frames per second of the recording.
    path : pathlib.Path or None
        Folder of frames, or video file; None where no clip was found on disk.
    sought : str
        Where it was looked for, if it was not found.
    unread : tuple of (str, str)
        ``(field, cell text)`` for each of onset, apex, offset, fps whose cell holds no such number. A field whose
        column the table lacks is not among them.
    event : str or None
        What tells several micro-expressions of one recording apart; None for the only one of a clip, or the first
        where further rows are the exception.
    objective_class : str
        The table's objective class, which action units alone decide, as text; empty where there is none.
    """

    dataset: str
    subject: str
    clip: str
    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    emotion_written: str = ""
    action_units: str = ""
    fps: float | None = None
    path: Path | None = None
    sought: str = ""
    unread: tuple[tuple[str, str], ...] = ()
    event: str | None = None
    objective_class: str = ""

    def written(self, name: str) -> int | str:
        """Return what the table holds in onset, apex or offset: a number, or the text of a cell without one."""
        number: int | None = getattr(self, name)
        return dict(self.unread).get(name, "") if number is None else number

    @property
    def recording(self) -> str:
        """``subject/clip``, which several events of a recording share."""
        return f"{self.subject}/{self.clip}"

    @property
    def sample_id(self) -> str:
        """``subject/clip``, unique within a database; ``subject/clip@event`` of an event of a recording."""
        return self.recording if self.event is None else f"{self.recording}@{self.event}"
