"""The annotation doctor: what a database on disk holds, against what was published and what a build needs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mer_di.building.plan import PlannedClip, make_plan
from mer_di.cache import CORRECTION_COLUMNS
from mer_di.datasets import Database
from mer_di.errors import SampleError
from mer_di.imaging.frames import read_frames
from mer_di.phases import ApexPolicy
from mer_di.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor found.

    Attributes
    ----------
    dataset, root, tree, table, table_version, table_sha256 : str
        What was read.
    samples, subjects, usable : int
        Rows of the table, subjects in it, and rows that a build can use.
    published_samples, published_subjects : int or None
        What the database's own publication or table states.
    classes : list of dict
        ``emotion``, ``found``, ``published`` (None where nothing was published).
    corrections : list of dict
        Applied corrections.
    findings : list of dict
        What is worth knowing and drops nothing: ``kind``, ``where``, ``message``.
    unusable : list of dict
        ``sample_id``, ``kind``, ``detail``.
    """

    dataset: str
    root: str
    tree: str | None
    table: str | None
    table_version: str
    table_sha256: str
    samples: int
    subjects: int
    usable: int
    published_samples: int | None
    published_subjects: int | None
    classes: list[dict[str, Any]]
    corrections: list[dict[str, Any]]
    findings: list[dict[str, str]]
    unusable: list[dict[str, str]]

    @property
    def reasons(self) -> dict[str, int]:
        """Unusable samples by kind, most frequent first."""
        return dict(Counter(row["kind"] for row in self.unusable).most_common())


def examine(
    database: Database, *, apex_policy: ApexPolicy = "drop", min_class_size: int = 1, decode: bool = False
) -> Diagnosis:
    """Examine a database without building anything.

    Parameters
    ----------
    database : Database
    apex_policy : {"drop", "midpoint", "spot"}
        See `mer_di.phases.key_frames`.
    min_class_size : int
        See `mer_di.building.plan.make_plan`.
    decode : bool
        Decode every frame of every clip as well. Without it image folders are judged by their listing;
        videos are always decoded, because their headers do not tell how many frames they hold.

    Returns
    -------
    Diagnosis
    """
    recipe = Recipe(align="none", aspect="stretch", apex_policy=apex_policy)
    plan = make_plan(database, recipe, min_class_size=min_class_size)
    unreadable = dict(_unreadable(clip for clip in plan.clips if decode or clip.path.is_file()))
    unusable = sorted((plan.dropped | unreadable).items())
    return Diagnosis(
        dataset=database.spec.name,
        root=str(database.root),
        tree=database.tree,
        table=None if database.table is None else str(database.table),
        table_version=database.table_version,
        table_sha256=database.table_sha256,
        samples=len(database.samples),
        subjects=len({sample.subject for sample in database.samples}),
        usable=len(database.samples) - len(unusable),
        published_samples=database.spec.n_samples,
        published_subjects=database.spec.n_subjects,
        classes=[{"emotion": e, "found": n, "published": p} for e, n, p in database.published()],
        corrections=[{name: getattr(item, name) for name in CORRECTION_COLUMNS} for item in database.applied],
        findings=[asdict(item) for item in database.findings],
        unusable=[_row(sample_id, reason) for sample_id, reason in unusable],
    )


def _unreadable(clips: Iterator[PlannedClip]) -> Iterator[tuple[str, str]]:
    for clip in clips:
        try:
            for _ in read_frames(clip.path, clip.numbers, clip.files):
                pass
        except SampleError as reason:
            yield clip.sample.sample_id, str(reason)


def _row(sample_id: str, reason: str) -> dict[str, str]:
    kind, _, detail = reason.partition(": ")
    return {"sample_id": sample_id, "kind": kind, "detail": detail}
