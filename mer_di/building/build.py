"""From a database to a cache: one sample a task, resumable, atomic, the same file however it was scheduled."""

import contextlib
import errno
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mer_di.building.defaults import default_recipe
from mer_di.building.destination import in_words, left_by_older_versions, require_replaceable, sole_writer
from mer_di.building.entry import cache_entry
from mer_di.building.former import Former, read_former
from mer_di.building.identity import table_key
from mer_di.building.part import Part
from mer_di.building.plan import Plan, PlannedClip, make_plan
from mer_di.building.tasks import Progress, State, reasons_to_drop, render_rows, row_states, with_apexes
from mer_di.building.unfinished import Unfinished, take_over
from mer_di.cache import CORRECTION_COLUMNS, Provenance, Rows, make_cache, sync
from mer_di.datasets import Database
from mer_di.errors import CacheError
from mer_di.executors import uninterrupted
from mer_di.files import written_aside
from mer_di.recipe import Recipe

CLIPS_A_SYNC = 8  # some 20 MB at 224 pixels
_ROUNDS = 3  # of rendering what strangers wrote over


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

    @property
    def reasons(self) -> dict[str, int]:
        """Drops by kind, most frequent first."""
        return dict(Counter(reason.partition(":")[0] for reason in self.dropped.values()).most_common())


def build_cache(
    database: Database,
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    min_class_size: int = 1,
    part: Part | None = None,
    key_frames: bool = True,
    model: Path | None = None,
    executor: Executor | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Build the cache of a database.

    Parameters
    ----------
    database : Database
        From `mer_di.load_dataset`.
    out : path-like
        The cache to write; where it is a link, the file that it leads to. An interrupted build of the same recipe is
        resumed.
    recipe : Recipe, optional
        `default_recipe` of the database if not given.
    min_class_size : int
        Smallest class that is kept, counted over the whole table (10 is the paper's rule).
    part : Part, optional
        Build these samples only; `mer_di.building.merge.merge_caches` joins the caches of all parts.
    key_frames : bool
        Keep each clip's onset, apex and offset frame. They are faces; nothing that is computed needs them.
    model : pathlib.Path, optional
        Landmark model in place of the bundled one.
    executor : concurrent.futures.Executor, optional
        Where clips are rendered: threads, processes or a cluster that shares the file system. One thread
        by default. It is not shut down.
    overwrite : bool
        Replace an existing cache, of whatever recipe, when the new one is complete, and discard an interrupted build of
        another recipe.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    BuildReport

    Raises
    ------
    CacheError
        If ``out`` exists and was made differently, or holds samples that can no longer be built, an interrupted build
        was started differently, another build is writing it, the machine fails (a full disk, too many open files), or
        no sample is usable.
    BackendUnavailableError
        If a worker died, twice where it is one of `mer_di.executors.local`; the message names the sample.
    """
    started = time.perf_counter()
    path = Path(os.path.realpath(out))  # for workers, whose working directory may be another
    recipe = recipe or default_recipe(database, model=model)
    provenance = _provenance(database, recipe, min_class_size, part, key_frames)
    unfinished = Unfinished.beside(path)
    with in_words(path, unfinished.path), sole_writer(path), _workers(executor) as workers:
        require_replaceable(path)
        former = None if overwrite or not path.exists() else read_former(path, provenance)
        planned = make_plan(database, recipe, min_class_size=min_class_size, part=part)
        plan = with_apexes(planned, recipe, model, workers)
        job = _Job(
            path, former, overwrite, unfinished, provenance, plan, model, workers, database.root, progress or _untold
        )
        if not plan.clips:
            raise CacheError(_nothing_left(job.dropped))
        _require_no_loss(job, job.dropped)
        report = _found_complete(job) or _built(job)
        remarks = left_by_older_versions(path) + report.remarks
        return replace(report, path=Path(out), seconds=time.perf_counter() - started, remarks=remarks)


@dataclass(frozen=True, slots=True)
class _Job:
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


def _found_complete(job: _Job) -> BuildReport | None:
    """Return what there is to say of the cache that is there, if a build would make the same again."""
    former, recipe = job.former, job.provenance.recipe
    if former is None:
        return None
    index = {sample_id: number for number, sample_id in enumerate(former.samples)}
    kept = [clip for clip in job.plan.clips if clip.sample.sample_id in index]
    rest = [clip for clip in job.plan.clips if clip.sample.sample_id not in index]
    if former.table != [table_key(cache_entry(clip)) for clip in kept]:
        return None
    if set(row_states(kept, former.rows, [index[clip.sample.sample_id] for clip in kept], job.workers)) != {"whole"}:
        return None
    reasons = reasons_to_drop(rest, recipe, job.model, job.workers)
    if former.dropped != job.dropped | {name: job.portable(reason or "") for name, reason in reasons.items()}:
        return None
    if job.unfinished.is_of(job.provenance):
        job.unfinished.remove()
    return replace(_report(job.path, kept, former.dropped, len(kept), []), already_complete=True)


def _built(job: _Job) -> BuildReport:
    clips = job.plan.clips
    entries = [cache_entry(clip) for clip in clips]
    rows, found = job.unfinished.claim(job.provenance, entries, job.dropped, discard=job.overwrite)
    if job.former:
        index = {key: number for number, key in enumerate(job.former.images)}
        take_over(job.former.rows, index, rows, entries)
    nothing: Sequence[State] = ["absent"] * len(clips)
    states = row_states(clips, rows, range(len(clips)), job.workers) if found != "nothing" or job.former else nothing
    outcomes = _rendered(job, rows, states)
    reasons = {index: outcome for index, outcome in outcomes.items() if isinstance(outcome, str)}
    dropped = job.dropped | {clips[index].sample.sample_id: reason for index, reason in reasons.items()}
    _require_no_loss(job, dropped)
    kept = [index for index in range(len(clips)) if index not in reasons]
    if not kept:
        job.unfinished.remove()
        raise CacheError(_nothing_left(dropped))
    if reasons:
        _close_up(job, rows, kept, dropped)
    else:
        _put_in_place(job, rows, outcomes)
    again = [clips[index].sample.sample_id for index in kept if states[index] == "of other frames"]
    report = _report(job.path, [clips[index] for index in kept], dropped, list(states).count("whole"), again)
    damaged = [f"{job.unfinished.path} was damaged; samples that were whole in it are kept"]
    return replace(report, remarks=damaged if found == "a damaged file" else [])


def _rendered(job: _Job, rows: Rows, states: Sequence[State]) -> dict[int, bytes | str]:
    """Render what is not there; return for each row its digest, or the reason why its sample has to be dropped.

    A worker of an interrupted build that had begun to write when this one began may still write over a row: such rows
    are rendered once more.
    """
    clips = job.plan.clips
    outcomes: dict[int, bytes | str] = {}
    for index, state in enumerate(states):
        if state == "whole":
            outcomes[index] = rows.digest(index)
            job.tell(clips[index], len(clips))
    job.tell(None, len(clips))
    for _ in range(_ROUNDS):
        outcomes |= _one_round(job, rows, [index for index in range(len(clips)) if index not in outcomes])
        job.unfinished.close(rows)
        strange = _strange(rows, outcomes)
        if not strange:
            return outcomes
        outcomes = {index: outcome for index, outcome in outcomes.items() if index not in strange}
        rows = job.unfinished.admit(rows)
    raise CacheError(_written_over(rows, [clips[index] for index in strange]))


def _one_round(job: _Job, rows: Rows, indices: Sequence[int]) -> dict[int, bytes | str]:
    """Render some rows, and bring them to the disk meanwhile, so that little is left for the end."""
    clips = {index: job.plan.clips[index] for index in indices}
    outcomes = {}
    finished = render_rows(clips, job.provenance.recipe, rows, job.model, job.workers)
    syncs = []
    with ThreadPoolExecutor(1) as disk, contextlib.closing(finished):
        for count, (index, outcome) in enumerate(finished, start=1):
            outcomes[index] = outcome if isinstance(outcome, bytes) else job.portable(outcome)
            job.tell(clips[index], len(job.plan.clips))
            if count % CLIPS_A_SYNC == 0:
                with uninterrupted():
                    syncs.append(disk.submit(sync, rows.path))
    for written in syncs:
        written.result()
    sync(rows.path)
    return outcomes


def _strange(rows: Rows, outcomes: Mapping[int, bytes | str]) -> list[int]:
    """Return the rows that do not hold what was written to them."""
    return [
        index for index, outcome in outcomes.items() if isinstance(outcome, bytes) and rows.digest(index) != outcome
    ]


def _written_over(rows: Rows, clips: Sequence[PlannedClip]) -> str:
    return (
        f"{rows.path} does not hold what workers wrote of {len(clips)} sample(s), first of them "
        f"{clips[0].sample.sample_id}: those of an interrupted build still write to it. The others are kept: run the "
        "same again"
    )


def _put_in_place(job: _Job, rows: Rows, outcomes: Mapping[int, bytes | str]) -> None:
    job.unfinished.put_in_place(rows, job.path)
    strange = _strange(replace(rows, path=job.path), outcomes)
    if strange:
        job.path.replace(job.unfinished.path)
        raise CacheError(_written_over(rows, [job.plan.clips[index] for index in strange]))


def _close_up(job: _Job, rows: Rows, kept: Sequence[int], dropped: dict[str, str]) -> None:
    """Write the cache anew without the rows whose samples turned out to be of no use."""
    entries = [cache_entry(job.plan.clips[index]) for index in kept]
    try:
        with written_aside(job.path) as aside:
            closed = make_cache(aside, job.provenance, entries, dropped)
            for number, (index, entry) in enumerate(zip(kept, entries, strict=True)):
                row = rows.read(index, entry.sample_id)
                if row is None:
                    raise CacheError(f"a finished row of {rows.path} reads back damaged; mend the disk and build again")
                closed.write(number, entry.sample_id, row)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CacheError(
            f"{len(job.plan.clips) - len(kept)} sample(s) turned out to be of no use, so that the cache has to be "
            f"written once more without their rows, and the disk has no room for a second file of up to {rows.end} "
            f"bytes. Finished samples are kept in {rows.path}: make room, and the same command resumes"
        ) from error
    job.unfinished.remove()


def _require_no_loss(job: _Job, dropped: dict[str, str]) -> None:
    """Make sure that a complete cache is not replaced by one that lacks some of its samples."""
    former = job.former.samples if job.former else ()
    lost = {name: dropped[name] for name in former if name in dropped}
    if lost:
        first = next(iter(lost))
        raise CacheError(
            f"{job.path} holds {len(lost)} sample(s) that cannot be built any more ({first}: {lost[first]}); it is "
            "left as it is. Bring the frames back, choose another --out, or replace it with --overwrite"
        )


def _report(
    path: Path, kept: Sequence[PlannedClip], dropped: Mapping[str, str], resumed: int, again: list[str]
) -> BuildReport:
    classes = Counter(clip.sample.emotion for clip in kept)
    frames = sum(len(clip.numbers) for clip in kept)
    return BuildReport(
        path, len(kept), dict(sorted(dropped.items())), dict(sorted(classes.items())), frames, resumed, 0.0, again
    )


def _untold(_clip: PlannedClip | None, _total: int) -> None:
    pass


@contextlib.contextmanager
def _workers(executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    with ThreadPoolExecutor(1) as thread:
        yield thread


def _provenance(
    database: Database, recipe: Recipe, min_class_size: int, part: Part | None, key_frames: bool
) -> Provenance:
    corrections = [{name: str(asdict(item)[name]) for name in CORRECTION_COLUMNS} for item in database.applied]
    return Provenance(
        database.spec.name,
        database.table_sha256,
        database.table_version,
        recipe,
        min_class_size,
        corrections,
        key_frames,
        str(part or ""),
    )


def _nothing_left(dropped: dict[str, str]) -> str:
    reasons = Counter(reason.partition(":")[0] for reason in dropped.values())
    listed = ", ".join(f"{count} {kind}" for kind, count in reasons.most_common()) or "the table has no rows"
    example = next(iter(dropped.items()), None)
    first = f" First of them: {example[0]}: {example[1]}." if example else ""
    return f"no sample is usable, so no cache was written ({listed}).{first} See: mer-di check"
