"""What a layout is: where a database keeps its clips, how it names them, and what its table looks like."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mer_di.synthetic.drawing import Camera, Take, stage
from mer_di.synthetic.expression import EMOTIONS
from mer_di.synthetic.tables import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One clip of a database: what is true, what the table says, and what lies on disk.

    Attributes
    ----------
    subject, clip : str
        In the database's notation.
    take : Take
        What is drawn.
    first : int
        The database's number of the frame at position 0 of the take.
    row : Row or None
        None if the table does not mention the clip.
    folder : str or None
        Relative to the root, with ``/``; None if the clip is not on disk.
    file_name : str
        Format of a frame's file name, of the frame's number; the name of a video, ``.mp4`` or ``.avi``.
    stored : range
        Positions of the take that are on disk.
    missing, cut, shrunk : int or None
        Position of a frame that is left out, whose file ends early, or whose size is another.
    """

    subject: str
    clip: str
    take: Take
    first: int
    row: Row | None
    folder: str | None
    file_name: str
    stored: range
    missing: int | None = None
    cut: int | None = None
    shrunk: int | None = None

    def file(self, position: int) -> str:
        """Name of the file of the frame at a position of the take."""
        return self.file_name.format(self.first + position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One database as its owners distribute it.

    Attributes
    ----------
    name : str
    camera : Camera
    labels : dict of str to str
        Emotion, as in `mer_di.synthetic.expression.EMOTIONS`, to the table's word for it.
    subjects : tuple of int
        Numbers that its subjects have, in order.
    entry : callable
        ``(subject number, clip count, take, label)`` to `Entry`; the count begins at 1 for each person and emotion.
    table_name : str
        Relative to the root, with ``/``.
    table : callable
        Rows to the bytes of the annotation table; of a notice, where the database has no table.
    more_tables : dict of str to callable
        Further tables, by name.
    """

    name: str
    camera: Camera
    labels: dict[str, str]
    subjects: tuple[int, ...]
    entry: Callable[[int, int, Take, str], Entry]
    table_name: str
    table: Callable[[Sequence[Row]], bytes]
    more_tables: dict[str, Callable[[Sequence[Row]], bytes]] = field(default_factory=dict)

    def entries(self, subjects: int, clips_per_emotion: int, seed: int) -> Iterator[Entry]:
        """Yield the clips in the table's order."""
        for who, number in enumerate(self.subjects[:subjects], start=1):
            for emotion, label in self.labels.items():
                for count in range(1, clips_per_emotion + 1):
                    take = stage(emotion, subject=who, take=count, seed=seed, camera=self.camera)
                    yield self.entry(number, count, take, label)


def entry_of(
    take: Take, label: str, *, subject: str, cell: str | int, clip: str, first: int, folder: str, file_name: str
) -> Entry:
    """Return the clip that holds a take's onset..offset, and the row that says so; `cell` is the row's subject."""
    units = "+".join(take.expression.action_units)
    row = Row(
        subject=cell,
        clip=clip,
        onset=first + take.onset,
        apex=first + take.apex,
        offset=first + take.offset,
        action_units=int(units) if units.isdigit() else units,
        label=label,
    )
    stored = range(take.onset, take.offset + 1)
    return Entry(
        subject=subject, clip=clip, take=take, first=first, row=row, folder=folder, file_name=file_name, stored=stored
    )


def code_of(emotion: str) -> int:
    """MMEW's code of an emotion, and what stands for the material shown in the names of the others."""
    return list(EMOTIONS).index(emotion) + 1
