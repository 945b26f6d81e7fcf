"""Where each database keeps its clips and how it names them, as its owners distribute it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mer_di.errors import InputError
from mer_di.synthetic import drawing
from mer_di.synthetic.drawing import Camera, Take, stage
from mer_di.synthetic.expression import EMOTIONS
from mer_di.synthetic.tables import Row, casme2_table, mmew_table, samm_table


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
        Format of a frame's file name, of the frame's number.
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
    table : callable
        Rows to the bytes of the annotation table.
    """

    name: str
    camera: Camera
    labels: dict[str, str]
    subjects: tuple[int, ...]
    entry: Callable[[int, int, Take, str], Entry]
    table_name: str
    table: Callable[[Sequence[Row]], bytes]

    def entries(self, subjects: int, clips_per_emotion: int, seed: int) -> Iterator[Entry]:
        """Yield the clips in the table's order."""
        for who, number in enumerate(self.subjects[:subjects], start=1):
            for emotion, label in self.labels.items():
                for count in range(1, clips_per_emotion + 1):
                    take = stage(emotion, subject=who, take=count, seed=seed, camera=self.camera)
                    yield self.entry(number, count, take, label)


def find_layout(name: str, tree: str | None = None) -> Layout:
    """Return a layout by name.

    Parameters
    ----------
    name : {"casme2", "samm", "mmew"}
    tree : {"cropped", "selected", "raw"} or None
        Which of CASME II's three frame trees; ``cropped`` unless named. The other databases have one.

    Raises
    ------
    InputError
        If there is no such layout, or it has no such tree.
    """
    if name not in _LAYOUTS:
        raise InputError(f"layout is {name!r}; expected one of {', '.join(_LAYOUTS)}")
    trees = _LAYOUTS[name]
    if tree is None:
        return next(iter(trees.values()))
    if tree not in trees:
        raise InputError(f"the layout {name} has no frame tree {tree!r}; expected {', '.join(trees)}")
    return trees[tree]


def _entry(
    take: Take, label: str, *, subject: str, cell: str | int, clip: str, first: int, folder: str, file_name: str
) -> Entry:
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


def _code(emotion: str) -> int:
    """MMEW's code of an emotion, and what stands for the material shown in the names of the others."""
    return list(EMOTIONS).index(emotion) + 1


def _casme2_entry(folder: str, file_name: str, number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"sub{number:02d}"
    # as in the real table, many names end in f, and most occur with several subjects
    clip = f"EP{_code(take.emotion):02d}_{count:02d}{'f' * ((_code(take.emotion) + count) % 2)}"
    folder = f"{folder}/{subject}/{clip}"
    cell = f"{number:02d}"
    return _entry(take, label, subject=subject, cell=cell, clip=clip, first=1, folder=folder, file_name=file_name)


def _casme2_whole_entry(folder: str, file_name: str, number: int, count: int, take: Take, label: str) -> Entry:
    entry = _casme2_entry(folder, file_name, number, count, take, label)
    return replace(entry, stored=range(take.length))


def _samm_entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"{number:03d}"
    more, inducement = divmod(_code(take.emotion) - 1, 7)  # there were seven inducements, and there are eight emotions
    clip = f"{subject}_{inducement + 1}_{2 * count - 1 + more}"
    first = 200 + take.noise_seed % 12000  # numbers are those of a recording of minutes
    name = subject + "_{:05d}.jpg"
    folder = f"{subject}/{clip}"
    return _entry(take, label, subject=subject, cell=subject, clip=clip, first=first, folder=folder, file_name=name)


def _mmew_entry(number: int, count: int, take: Take, label: str) -> Entry:
    subject = f"S{number:02d}"
    clip = f"{subject}-{_code(take.emotion):02d}-{count:03d}"
    folder = f"Micro_Expression/{label}/{clip}"
    entry = _entry(take, label, subject=subject, cell=number, clip=clip, first=1, folder=folder, file_name="{}.jpg")
    return replace(entry, stored=range(take.length))


def _casme2(camera: Camera, entry: Callable[[int, int, Take, str], Entry]) -> Layout:
    emotions = ("happiness", "others", "disgust", "repression", "surprise", "fear", "sadness")
    return Layout(
        name="casme2",
        camera=camera,
        labels={emotion: emotion for emotion in emotions},
        subjects=tuple(range(1, 100)),
        entry=entry,
        table_name="CASME2-coding-20140508.xlsx",
        table=casme2_table,
    )


_CASME2_TREES: Final = {
    "cropped": _casme2(drawing.CASME2_CROPPED, partial(_casme2_entry, "Cropped/Cropped", "reg_img{}.jpg")),
    "selected": _casme2(
        drawing.CASME2_RAW, partial(_casme2_entry, "CASME2_RAW_selected/CASME2_RAW_selected", "img{}.jpg")
    ),
    "raw": _casme2(drawing.CASME2_RAW, partial(_casme2_whole_entry, "CASME2_RAW/CASME2-RAW", "img{}.jpg")),
}
_SAMM: Final = Layout(
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
    entry=_samm_entry,
    table_name="SAMM_Micro_FACS_Codes_v2.xlsx",
    table=samm_table,
)
_MMEW: Final = Layout(
    name="mmew",
    camera=drawing.MMEW,
    labels={emotion: emotion for emotion in ("happiness", "surprise", "disgust", "others", "fear", "sadness", "anger")},
    subjects=tuple(range(1, 100)),
    entry=_mmew_entry,
    table_name="MMEW_Micro_Exp.xlsx",
    table=mmew_table,
)
_LAYOUTS: Final[dict[str, dict[str, Layout]]] = {
    "casme2": _CASME2_TREES,
    "samm": {"raw": _SAMM},
    "mmew": {"cropped": _MMEW},
}
