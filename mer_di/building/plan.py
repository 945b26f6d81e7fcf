"""What a build will do before a pixel is read: which samples, which frames, and why the others not."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mer_di import phases
from mer_di.building.faults import require_fault_of_data
from mer_di.building.part import Part
from mer_di.datasets import Database
from mer_di.errors import InputError, SampleError
from mer_di.imaging.listing import require_listed
from mer_di.recipe import Recipe
from mer_di.sample import Sample

ApexSource = Literal["table", "midpoint", "unspotted", "spotted"]


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A sample whose frames are where the table says.

    Attributes
    ----------
    sample : Sample
        The table's row after corrections.
    path : pathlib.Path
        Folder of frames or video file.
    onset, apex, offset : int
        Frame numbers in the database's numbering, inclusive; the apex is the one that is used.
    apex_source : {"table", "midpoint", "unspotted", "spotted"}
        Where the apex comes from. An unspotted clip carries the frame midway between onset and offset until
        `mer_di.building.spotting.spotted` has looked at its frames.
    onset_phase, offset_phase : range
        0-based positions within onset..offset.
    files : tuple of str
        Names of the frames' files in the folder, in their order; empty for a video.
    apex_confidence : float or None
        See `mer_di.imaging.spotting.Spotted`; None unless the apex is spotted.
    frames_digest : str
        Of the frames in which the apex was spotted; see `mer_di.imaging.frames.frames_digest`.
    """

    sample: Sample
    path: Path
    onset: int
    apex: int
    offset: int
    apex_source: ApexSource
    onset_phase: range
    offset_phase: range
    files: tuple[str, ...] = ()
    apex_confidence: float | None = None
    frames_digest: str = ""

    @property
    def numbers(self) -> range:
        """Frame numbers of the clip in the database's numbering."""
        return range(self.onset, self.offset + 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome for every row of a table.

    Attributes
    ----------
    clips : tuple of PlannedClip
        What will be read, sorted by sample id.
    dropped : dict of str to str
        Sample id to reason, ``kind: detail``.
    """

    clips: tuple[PlannedClip, ...]
    dropped: dict[str, str] = field(default_factory=dict)


def make_plan(database: Database, recipe: Recipe, *, min_class_size: int = 1, part: Part | None = None) -> Plan:
    """Decide for every sample of a database whether it can be read, without decoding anything.

    Parameters
    ----------
    database : Database
        A loaded database.
    recipe : Recipe
        Its apex policy and phases decide which apexes are usable.
    min_class_size : int
        Samples of a class with fewer rows than this are dropped as ``class-too-small``. Rows are counted
        over the whole table, before anything else is dropped (10 is the paper's rule, section 3.1).
    part : Part, optional
        Only these samples; what becomes of the others is no matter of this plan.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If ``min_class_size`` is below 1, or there are more parts than samples.
    """
    if min_class_size < 1:
        raise InputError(f"min_class_size is {min_class_size}; expected 1 (keep every class) or more")
    if part and part.of > len(database.samples):
        raise InputError(
            f"{part.of} parts of a table of {len(database.samples)} rows; expected one row a part, or more"
        )
    sizes = Counter(sample.emotion for sample in database.samples)
    clips: list[PlannedClip] = []
    dropped: dict[str, str] = {}
    for index, sample in enumerate(database.samples):
        if part and not part.holds(index):
            continue
        try:
            _require_class(sample, sizes[sample.emotion], min_class_size)
            clips.append(plan_clip(sample, recipe))
        except SampleError as error:
            require_fault_of_data(error)
            dropped[sample.sample_id] = str(error)
    return Plan(tuple(clips), dropped)


def _require_class(sample: Sample, size: int, smallest: int) -> None:
    if size < smallest:
        raise SampleError(
            "class-too-small", f"the table has {size} samples of {sample.emotion!r}; at least {smallest} were asked for"
        )


def plan_clip(sample: Sample, recipe: Recipe) -> PlannedClip:
    """Decide which frames of a sample will be read, without decoding anything.

    Parameters
    ----------
    sample : Sample
    recipe : Recipe
        Its apex policy and phases decide which apexes are usable.

    Returns
    -------
    PlannedClip

    Raises
    ------
    SampleError
        If the sample cannot be read.
    """
    onset, apex, offset = phases.key_frames(sample, recipe.apex_policy, apex_in=recipe.apex_in)
    if sample.path is None:
        raise SampleError(
            "clip-not-found",
            f"no folder or video of clip {sample.clip!r} of subject {sample.subject!r}"
            + f"; looked for {sample.sought}" * bool(sample.sought),
        )
    if (written := dict(sample.unread).get("fps")) is not None:
        raise SampleError("fps-invalid", f"the table's fps cell holds {written!r}; expected a rate, or an empty cell")
    require_rate(sample, recipe)
    files = require_listed(sample.path, range(onset, offset + 1))
    rising, fading = phases.split(0, apex - onset, offset - onset, apex_in=recipe.apex_in)
    chosen: ApexSource = "unspotted" if recipe.apex_policy == "spot" else "midpoint"
    source = "table" if apex == sample.apex else chosen
    return PlannedClip(sample, sample.path, onset, apex, offset, source, rising, fading, files)


def require_rate(sample: Sample, recipe: Recipe) -> None:
    """Make sure that a recording can show the band that a recipe magnifies, if it does.

    Raises
    ------
    SampleError
        ``fps-missing``, ``fps-too-low``.
    """
    if recipe.magnify_band is None:
        return
    low, high = recipe.magnify_band
    if sample.fps is None:
        raise SampleError("fps-missing", f"no frames per second are known, so none can tell {low:g} to {high:g} Hz")
    if sample.fps < 2 * high:
        raise SampleError(
            "fps-too-low",
            f"{sample.fps:g} frames per second show up to {sample.fps / 2:g} Hz; the band reaches {high:g} Hz",
        )
