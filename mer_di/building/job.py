"""One build: what it makes, of what, where, and by whom."""

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from mer_di.building.former import Former
from mer_di.building.plan import Plan
from mer_di.building.tasks import Progress
from mer_di.building.unfinished import Unfinished
from mer_di.cache import Provenance
from mer_di.errors import CacheError


@dataclass(frozen=True, slots=True)
class Job:
    """What a build was asked for, and what it has to do.

    Attributes
    ----------
    path : pathlib.Path
        The cache to write.
    former : Former or None
        The cache that is there.
    overwrite : bool
        See `mer_di.building.build.build_cache`.
    unfinished : Unfinished
    provenance : Provenance
    plan : Plan
    model : pathlib.Path or None
        Landmark model in place of the bundled one.
    workers : concurrent.futures.Executor
    root : pathlib.Path
        The database's folder.
    tell : Progress
    """

    path: Path
    former: Former | None
    overwrite: bool
    unfinished: Unfinished
    provenance: Provenance
    plan: Plan
    model: Path | None
    workers: Executor
    root: Path
    tell: Progress

    @property
    def dropped(self) -> dict[str, str]:
        """What was dropped before a frame was decoded, and why."""
        return {sample_id: self.portable(reason) for sample_id, reason in self.plan.dropped.items()}

    def portable(self, reason: str) -> str:
        """Name files relative to the database: the same database elsewhere gives the same cache."""
        return reason.replace(f"{self.root}{os.sep}", "")

    def require_no_loss(self, dropped: Mapping[str, str]) -> None:
        """Make sure that a complete cache is not replaced by one that lacks some of its samples.

        Raises
        ------
        CacheError
            If one of the cache that is there is among those that were dropped.
        """
        former = self.former.samples if self.former else ()
        lost = {name: dropped[name] for name in former if name in dropped}
        if lost:
            first = next(iter(lost))
            raise CacheError(
                f"{self.path} holds {len(lost)} sample(s) that cannot be built any more ({first}: {lost[first]}); it "
                "is left as it is. Bring the frames back, choose another --out, or replace it with --overwrite"
            )
