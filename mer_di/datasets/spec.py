"""What is known of a database before it is on disk: constants, and the words for what a caller may choose."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from mer_di.datasets.columns import COLUMNS, Column
from mer_di.sample import Sample

UNRECOGNIZED = "unrecognized"
UNVERSIONED = "unversioned"

Recordings = Literal["never", "exception", "rule"]


@dataclass(frozen=True, slots=True)
class Tree:
    """One of the folder trees in which a database's frames are distributed.

    Attributes
    ----------
    name : str
        The name by which a caller chooses it: ``cropped``, ``selected``, ``raw``.
    registered : bool
        True if the frames are face crops that the owners registered already.
    folders : tuple of str
        Folder names under which it is met, in lower case, letters and digits only.
    prefix : str or None
        Start of its frame names, by which a renamed tree is known; None if that says nothing.
    videos : bool
        Whether a clip is a video file, and no folder of images.
    begins : {0, 1} or None
        Number of the first frame in every folder, where a folder holds a whole clip; None if each has its own.
    """

    name: str
    registered: bool
    folders: tuple[str, ...] = ()
    prefix: str | None = None
    videos: bool = False
    begins: Literal[0, 1] | None = None


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What is public of one row of a published table, by which an edited copy is told from it; None is not known."""

    onset: int | None = None
    apex: int | str | None = None
    offset: int | None = None
    emotion: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What is public of one published version of an annotation table: counts, and some of its rows.

    Attributes
    ----------
    version : str
        Short name of the version: ``2014``.
    subjects : int or None
        Number of subjects with at least one row; None if that was not published.
    emotions : mapping of str to int
        Canonical emotion to number of rows; empty if only their total is known.
    total : int
        Number of rows where those of each emotion are not known.
    rows : mapping of str to KnownRow
        Sample id to what is public of its row.
    """

    version: str
    subjects: int | None
    emotions: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    rows: Mapping[str, KnownRow] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """Number of rows."""
        return sum(self.emotions.values()) or self.total

    def distance(self, samples: Iterable[Sample]) -> int:
        """Return by how many samples the class counts of a table differ from these, 0 if they agree."""
        found = Counter(sample.emotion for sample in samples)
        return sum(abs(found[name] - self.emotions.get(name, 0)) for name in {*found, *self.emotions})


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything constant about a database.

    Attributes
    ----------
    name : str
        Registry name: ``casme2``.
    title : str
        Name as its owners write it.
    citation, doi : str
        The paper to cite; empty where there is none.
    licence : str
        Its terms, in a sentence; the agreement that comes with the data decides.
    request_url : str
        Where to ask for the data; empty if nobody has to be asked.
    fps : float or None
        Frames per second; None if each table says it itself.
    tables : tuple of str
        File name patterns of the annotation table, without suffix, case-blind.
    layout : str
        The expected tree, as shown to users.
    trees : tuple of Tree
        Its frame trees, most preferred first; empty if paths stand in the table.
    published : tuple of Published
        Published versions of the table, the benchmarks' version first.
    subject : str or None
        Notation of a subject, as a format of its number: ``sub{:02d}``; None for verbatim text.
    columns : tuple of Column
        What is read of its table; ``subject``, ``clip``, ``onset``, ``offset`` and ``emotion`` are needed.
    recordings : {"never", "exception", "rule"}
        Whether a clip is a recording that may have several rows, told apart by their onset. Where that is the
        exception the first row keeps the clip's name, where it is the rule each row carries its onset: in both, no
        name changes when rows are added.
    in_parts : bool
        Whether its rows stand in several tables, which are read as one.
    """

    name: str
    title: str
    citation: str
    doi: str
    licence: str
    request_url: str
    fps: float | None
    tables: tuple[str, ...]
    layout: str
    trees: tuple[Tree, ...] = ()
    published: tuple[Published, ...] = ()
    subject: str | None = None
    columns: tuple[Column, ...] = COLUMNS
    recordings: Recordings = "never"
    in_parts: bool = False

    @property
    def n_samples(self) -> int | None:
        """Rows in the benchmarks' version of the table; None if none was published."""
        return self.published[0].samples if self.published else None

    @property
    def n_subjects(self) -> int | None:
        """Subjects in the benchmarks' version of the table; None if none was published."""
        return self.published[0].subjects if self.published else None

    def version_of(self, samples: Iterable[Sample]) -> str:
        """Recognise a table by its content: its subjects, the rows of each emotion, and the rows that are public.

        File names are no evidence: tables are renamed, and edited copies keep the name of their original.

        Parameters
        ----------
        samples : iterable of Sample
            The rows as read, before corrections.

        Returns
        -------
        str
            Name of a published version; ``unrecognized`` if there are some and none agrees, ``unversioned``
            if none was ever published with the rows of each emotion: a total says too little.
        """
        rows = tuple(samples)
        subjects = len({sample.subject for sample in rows})
        known = [version for version in self.published if version.emotions]
        for version in known:
            if version.subjects == subjects and version.distance(rows) == 0 and not unlike_rows(version, rows):
                return version.version
        return UNRECOGNIZED if known else UNVERSIONED


def unlike_rows(version: Published, samples: Iterable[Sample]) -> dict[str, dict[str, tuple[int | str, int | str]]]:
    """Compare the rows of a table with those of a published version that are public.

    Returns
    -------
    dict of str to dict of str to (int or str, int or str)
        Sample id to what differs: the field, and what is written and what was published there. A row that the table
        lacks has no fields.
    """
    by_id = {sample.sample_id: sample for sample in samples}
    found = {}
    for sample_id, row in version.rows.items():
        sample = by_id.get(sample_id)
        known = {name: value for name, value in asdict(row).items() if value is not None}
        here = {name: sample.emotion if name == "emotion" else sample.written(name) for name in known} if sample else {}
        unlike = {name: (value, known[name]) for name, value in here.items() if value != known[name]}
        if unlike or sample is None:
            found[sample_id] = unlike
    return found


@dataclass(frozen=True, slots=True)
class Choice:
    """What a caller of `mer_di.datasets.load_dataset` may choose.

    Attributes
    ----------
    tree : str or None
        Name of the frame tree; None for the most preferred of those on disk.
    corrections : tuple of str
        Names of correction sets.
    table : pathlib.Path or None
        The annotation table, where it is not to be searched for.
    allow : tuple of pathlib.Path
        Folders outside a manifest's own that its paths and links may lead into.
    """

    tree: str | None = None
    corrections: tuple[str, ...] = ("released",)
    table: Path | None = None
    allow: tuple[Path, ...] = ()
