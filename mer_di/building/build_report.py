"""What a build did, for people and programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mer_di.building.plan import PlannedClip


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes
    ----------
    path : pathlib.Path
        The cache.
    kept : int
        Samples in the cache.
    dropped : dict of str to str
        Sample id to reason.
    classes : dict of str to int
        Samples a class, in label order.
    frames : int
        Frames of the kept samples.
    resumed : int
        Samples that an earlier build had finished, from the same frames.
    seconds : float
        Wall time.
    again : list of str
        Samples of an earlier build that were rendered again, because their frames have changed since.
    already_complete : bool
        The cache was there, made by the same recipe from the same table and frames; nothing was done.
    remarks : list of str
        What lay beside the cache and should be known of.
    """

    path: Path
    kept: int
    dropped: dict[str, str]
    classes: dict[str, int]
    frames: int
    resumed: int
    seconds: float
    again: list[str] = field(default_factory=list)
    already_complete: bool = False
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        path: Path,
        kept: Sequence[PlannedClip],
        dropped: Mapping[str, str],
        *,
        resumed: int,
        again: Sequence[str] = (),
        already_complete: bool = False,
        remarks: Sequence[str] = (),
    ) -> Self:
        """Count the clips that were kept; the time is not known yet."""
        return cls(
            path=path,
            kept=len(kept),
            dropped=dict(sorted(dropped.items())),
            classes=dict(sorted(Counter(clip.sample.emotion for clip in kept).items())),
            frames=sum(len(clip.numbers) for clip in kept),
            resumed=resumed,
            seconds=0.0,
            again=list(again),
            already_complete=already_complete,
            remarks=list(remarks),
        )

    @property
    def reasons(self) -> dict[str, int]:
        """Drops by kind, most frequent first."""
        return dict(Counter(reason.partition(":")[0] for reason in self.dropped.values()).most_common())
