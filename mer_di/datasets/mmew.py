"""MMEW, as Shandong University distributes it.

Copies differ: the emotion is a folder above the clip, with or without the subject above that; one folder is called
``others`` or ``repression``; the table's numbers count within the clip, or within the whole recording. All are read.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

from mer_di.datasets.annotation import subject_findings
from mer_di.datasets.clips import Clips, named_clips
from mer_di.datasets.correction import Correction, Field
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_root
from mer_di.datasets.notation import canonical_emotion
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.errors import SampleError
from mer_di.imaging.listing import list_frames
from mer_di.sample import Sample

# The middle part of a clip's name, S{person}-{emotion}-{sample}.
EMOTION_CODES = {
    "01": "happiness",
    "02": "surprise",
    "03": "disgust",
    "04": "others",
    "05": "fear",
    "06": "sadness",
    "07": "anger",
}

SPEC = Spec(
    name="mmew",
    title="MMEW",
    citation=(
        "X. Ben, Y. Ren, J. Zhang, S.-J. Wang, K. Kpalma, W. Meng, Y.-J. Liu: Video-Based Facial Micro-Expression "
        "Analysis: A Survey of Datasets, Features and Algorithms. IEEE TPAMI 44(9), 5826-5846, 2022"
    ),
    doi="10.1109/TPAMI.2021.3067464",
    licence="Signed release agreement; research only; no redistribution in whole or in part, no modification.",
    request_url="http://www.dpailab.com/database.html",
    fps=90.0,
    tables=("MMEW_Micro_Exp*", "MMEW"),
    layout="""\
MMEW_Final/
  MMEW_Micro_Exp.xlsx
  Micro_Expression/happiness/S01-01-001/1.jpg       registered faces, whole clip
  (or S01/happiness/S01-01-001/1.jpg)""",
    trees=(Tree("cropped", registered=True, begins=1),),
    published=(
        Published(
            "300-clip",
            subjects=30,
            emotions={
                "surprise": 89,
                "disgust": 72,
                "others": 66,
                "happiness": 36,
                "fear": 16,
                "sadness": 13,
                "anger": 8,
            },
        ),
    ),
    subject="S{:02d}",
)

_CLIP = re.compile(r"S\d+-\d+-\d+", re.IGNORECASE)
_EMOTION_FOLDERS = {*EMOTION_CODES.values(), "repression"}
_DEPTH = 5  # root / MMEW_Final / MMEW_Final / Micro_Expression / S01 / happiness / clip
_FIELDS: tuple[Field, ...] = ("onset", "apex", "offset")


def load(root: Path | None, choice: Choice) -> Database:
    """Load MMEW; see `mer_di.datasets.load_dataset`."""
    return read_mmew(SPEC, find_root(SPEC, root), choice)


def read_mmew(spec: Spec, root: Path, choice: Choice) -> Database:
    """Read a database that is laid out as MMEW.

    Where a clip's label contradicts the folder it lies in, the table's label is kept and the contradiction is
    a finding: which of the two is right cannot be known, and the table is what other work counts by.

    Parameters
    ----------
    spec : Spec
    root : pathlib.Path
    choice : Choice

    Returns
    -------
    Database

    Raises
    ------
    InputError, DatasetNotFoundError, AnnotationError
        See `mer_di.datasets.load_dataset`.
    """
    database = read_release(spec, root, choice, _find_clips, key=attrgetter("clip"))
    if {*choice.corrections} - {"none"}:
        database = _rebased(database)
    findings = (*subject_findings(database.samples, "-"), *_folder_findings(database.samples))
    return replace(database, findings=(*database.findings, *findings))


def _find_clips(spec: Spec, root: Path, wanted: str | None) -> Clips:
    return named_clips(spec, root, wanted, _CLIP, "S01-01-001", _DEPTH)


def _rebased(database: Database) -> Database:
    samples: list[Sample] = []
    changes: list[Correction] = []
    for sample in database.samples:
        moved = _rebasing(sample, _numbers(sample.path)) if sample.path else ()
        changes += moved
        numbers = {change.field: change.now for change in moved}
        samples.append(replace(sample, **numbers))  # type: ignore[arg-type]
    return replace(database, samples=tuple(samples), applied=(*database.applied, *changes))


def _numbers(folder: Path) -> Collection[int]:
    try:
        return list_frames(folder)
    except SampleError:  # of this clip; it is raised again where frames are asked for, and drops the sample there
        return ()


def _rebasing(sample: Sample, numbers: Collection[int]) -> Sequence[Correction]:
    """Move recording-absolute numbers to the clip's own, if the folder leaves no other reading."""
    if sample.onset is None or sample.offset is None:
        return ()
    written = {name: number for name in _FIELDS if (number := getattr(sample, name)) is not None}
    length = sample.offset - sample.onset + 1
    if not numbers or len(numbers) != length or set(numbers) != set(range(1, length + 1)):
        return ()
    if set(written.values()) & set(numbers):
        return ()
    why = f"the table counts frames of the whole recording; the folder holds 1..{length}, as many as onset..offset"
    return [
        Correction("rebased", sample.sample_id, name, number, number - sample.onset + 1, why, "the folder's listing")
        for name, number in written.items()
    ]


def _folder_findings(samples: Iterable[Sample]) -> Iterator[Finding]:
    aliases: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        folder = canonical_emotion(sample.path.parent.name) if sample.path else sample.emotion
        if folder == sample.emotion or folder not in _EMOTION_FOLDERS:
            continue
        if {folder, sample.emotion} == {"others", "repression"}:
            aliases[folder, sample.emotion] += 1
        else:
            yield _contradiction(sample, folder)
    for (folder, label), count in sorted(aliases.items()):
        text = (
            f"{count} clips labelled {label!r} lie in a folder {folder!r}: one class under two names, the label is kept"
        )
        yield Finding("folder-alias", folder, text)


def _contradiction(sample: Sample, folder: str) -> Finding:
    coded = EMOTION_CODES.get(sample.clip.split("-")[1], "nothing")
    return Finding(
        "label-contradicts-folder",
        sample.sample_id,
        f"the table says {sample.emotion!r}, the folder {folder!r}, the code in the clip's name {coded!r}; which is "
        "right cannot be known, the table's label is kept",
    )
