"""A database as it lies on disk: every row of its table, where the clip is, and what was noticed on the way."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mer_di.datasets.correction import Correction
from mer_di.datasets.finding import Finding
from mer_di.datasets.spec import Spec
from mer_di.origin import SYNTHETIC
from mer_di.sample import Sample


@dataclass(frozen=True, slots=True)
class Database:
    """A loaded database.

    Attributes
    ----------
    spec : Spec
        What is known of it in general.
    root : pathlib.Path
        The folder it was found in.
    tree : str or None
        Name of the frame tree that `Sample.path` leads into; None if the table holds the paths.
    registered : bool
        True if the frames are registered face crops; False if faces still have to be aligned.
    table : pathlib.Path
        The annotation table.
    table_sha256 : str
        Hexadecimal digest of the table file's bytes.
    table_version : str
        See `Spec.version_of`; ``synthetic`` if this program drew the database, whatever layout it imitates.
    samples : tuple of Sample
        Every row of the table, after corrections, sorted by sample id. A clip that is not on disk has no path.
    applied : tuple of Correction
        The corrections that changed a cell.
    findings : tuple of Finding
        What a careful reader would want to know; nothing here drops a row.
    """

    spec: Spec
    root: Path
    tree: str | None
    registered: bool
    table: Path
    table_sha256: str
    table_version: str
    samples: tuple[Sample, ...]
    applied: tuple[Correction, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether this program drew the database: nobody's faces, under whatever name it was loaded."""
        return self.table_version == SYNTHETIC

    @property
    def correction_sets(self) -> tuple[str, ...]:
        """Names of the sets that changed a cell, sorted: a set that changed nothing is no part of a recipe."""
        return tuple(sorted({correction.set_name for correction in self.applied}))

    def published(self) -> tuple[tuple[str, int, int | None], ...]:
        """Compare the number of rows of each emotion with the published version that they are nearest to.

        Returns
        -------
        tuple of (str, int, int or None)
            Emotion, rows found, rows published; the largest published class first. None where nothing was
            ever published.
        """
        found = Counter(sample.emotion for sample in self.samples)
        known = [version for version in self.spec.published if version.emotions]
        if not known:
            return tuple((emotion, count, None) for emotion, count in sorted(found.items()))
        nearest = min(known, key=lambda version: version.distance(self.samples)).emotions
        emotions = sorted({*found, *nearest}, key=lambda name: (-nearest.get(name, 0), name))
        return tuple((name, found[name], nearest.get(name, 0)) for name in emotions)
