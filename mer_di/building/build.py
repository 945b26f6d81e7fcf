"""From a database to a cache: one sample a task, resumable, atomic, the same file however it was scheduled."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mer_di.building.defaults import default_recipe
from mer_di.building.destination import disk_errors, require_replaceable, sole_writer
from mer_di.building.entry import cache_entry
from mer_di.building.identity import departures_from, identity, table_key, table_keys
from mer_di.building.plan import Plan, PlannedClip, make_plan
from mer_di.building.tasks import Progress, State, reason_to_drop, render_rows, row_states
from mer_di.building.unfinished import Unfinished
from mer_di.cache import CORRECTION_COLUMNS, Provenance, Rows, make_cache, open_cache, put_in_place, sync
from mer_di.datasets import Database
from mer_di.errors import CacheError
from mer_di.recipe import Recipe

CLIPS_A_SYNC = 8  # some 20 MB at 224 pixels


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
        was started differently, another build is writing it, the disk is full, or no sample is usable.
    """
    started = time.perf_counter()
    path = Path(out).resolve()  # for workers, whose working directory may be another
    recipe = recipe or default_recipe(database, model=model)
    provenance = _provenance(database, recipe, min_class_size)
    unfinished = Unfinished.beside(path)
    with sole_writer(path), disk_errors(path, unfinished.path), _workers(executor) as workers:
        require_replaceable(path)
        if overwrite and not unfinished.is_of(provenance):
            unfinished.remove()
        former = None if overwrite or not path.exists() else _require_same(path, provenance)
        plan = make_plan(database, recipe, min_class_size=min_class_size)
        job = _Job(path, former, unfinished, provenance, plan, model, workers, database.root, progress or _untold)
        if not plan.clips:
            raise CacheError(_nothing_left(job.dropped))
        _require_no_loss(job, job.dropped)
        report = _found_complete(job) or _built(job)
        return replace(report, path=Path(out), seconds=time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class _Job:
    path: Path
    former: Path | None  # a complete cache of the same identity
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
    recipe = job.provenance.recipe
    rows = job.former and Rows.of(job.former, recipe.size)
    if not (job.former and rows):
        return None
    with open_cache(job.former) as cache:
        index = {sample_id: number for number, sample_id in enumerate(cache.column("sample_id"))}
        told, dropped = table_keys(cache), cache.dropped
    kept = [clip for clip in job.plan.clips if clip.sample.sample_id in index]
    rest = [clip for clip in job.plan.clips if clip.sample.sample_id not in index]
    if told != [table_key(cache_entry(clip)) for clip in kept]:
        return None
    if set(row_states(kept, rows, [index[clip.sample.sample_id] for clip in kept], job.workers)) != {"whole"}:
        return None
    reasons = job.workers.map(reason_to_drop, rest, [recipe] * len(rest), [job.model] * len(rest))
    again = {clip.sample.sample_id: job.portable(reason or "") for clip, reason in zip(rest, reasons, strict=True)}
    if dropped != job.dropped | again:
        return None
    if job.unfinished.is_of(job.provenance):
        job.unfinished.remove()
    return replace(_report(job.path, kept, dropped, len(kept), []), already_complete=True)


def _built(job: _Job) -> BuildReport:
    clips = job.plan.clips
    entries = [cache_entry(clip) for clip in clips]
    rows, begun = job.unfinished.claim(job.provenance, entries, job.dropped, job.former)
    nothing: Sequence[State] = ["absent"] * len(clips)
    states = row_states(clips, rows, range(len(clips)), job.workers) if begun else nothing
    reasons = _rendered(job, rows, states)
    dropped = job.dropped | {clips[index].sample.sample_id: reason for index, reason in reasons.items()}
    _require_no_loss(job, dropped)
    kept = [index for index in range(len(clips)) if index not in reasons]
    if not kept:
        job.unfinished.remove()
        raise CacheError(_nothing_left(dropped))
    if reasons:
        _close_up(job, rows, kept, dropped)
    else:
        put_in_place(job.unfinished.path, job.path)
    again = [clips[index].sample.sample_id for index in kept if states[index] == "of other frames"]
    return _report(job.path, [clips[index] for index in kept], dropped, list(states).count("whole"), again)


def _rendered(job: _Job, rows: Rows, states: Sequence[State]) -> dict[int, str]:
    """Render what is not there; return the reasons of the rows whose samples have to be dropped.

    What was written is brought to the disk meanwhile, so that little is left for the end.
    """
    clips = dict(enumerate(job.plan.clips))
    reasons: dict[int, str] = {}
    digests: dict[int, bytes] = {}
    for index, state in enumerate(states):
        if state == "whole":
            job.tell(clips.pop(index), len(states))
    job.tell(None, len(states))
    finished = render_rows(clips, job.provenance.recipe, rows, job.model, job.workers)
    with ThreadPoolExecutor(1) as disk, contextlib.closing(finished):
        syncs = []
        for count, (index, outcome) in enumerate(finished, start=1):
            if isinstance(outcome, bytes):
                digests[index] = outcome
            else:
                reasons[index] = job.portable(outcome)
            job.tell(clips[index], len(states))
            if count % CLIPS_A_SYNC == 0:
                syncs.append(disk.submit(sync, rows.path))
        for written in syncs:
            written.result()
    strange = [clips[index].sample.sample_id for index, digest in digests.items() if rows.digest(index) != digest]
    if strange:
        raise CacheError(
            f"{rows.path} does not hold what workers wrote of {len(strange)} sample(s), first of them {strange[0]}: "
            "they do not see this file, or those of an interrupted build still write to it. The others are kept: run "
            "the same again"
        )
    return reasons


def _close_up(job: _Job, rows: Rows, kept: Sequence[int], dropped: dict[str, str]) -> None:
    """Write the cache anew without the rows whose samples turned out to be of no use."""
    aside = job.path.with_name(f".{job.path.name}.tmp")
    try:
        closed = make_cache(aside, job.provenance, [cache_entry(job.plan.clips[index]) for index in kept], dropped)
        for number, index in enumerate(kept):
            sample_id = job.plan.clips[index].sample.sample_id
            row = rows.read(index, sample_id)
            if row is None:
                raise CacheError(f"a finished row of {rows.path} reads back damaged; mend the disk and build again")
            closed.write(number, sample_id, row)
        put_in_place(aside, job.path)
    finally:
        aside.unlink(missing_ok=True)
    job.unfinished.remove()


def _require_no_loss(job: _Job, dropped: dict[str, str]) -> None:
    """Make sure that a complete cache is not replaced by one that lacks some of its samples."""
    if job.former is None:
        return
    with open_cache(job.former) as cache:
        lost = {name: dropped[name] for name in cache.column("sample_id") if name in dropped}
    if lost:
        first = next(iter(lost))
        raise CacheError(
            f"{job.path} holds {len(lost)} sample(s) that cannot be built any more ({first}: {lost[first]}); it is "
            "left as it is. Bring the frames back, choose another --out, or replace it with --overwrite"
        )


def _report(
    path: Path, kept: Sequence[PlannedClip], dropped: dict[str, str], resumed: int, again: list[str]
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


def _provenance(database: Database, recipe: Recipe, min_class_size: int) -> Provenance:
    corrections = [{name: str(asdict(item)[name]) for name in CORRECTION_COLUMNS} for item in database.applied]
    return Provenance(
        database.spec.name, database.table_sha256, database.table_version, recipe, min_class_size, corrections
    )


def _require_same(path: Path, provenance: Provenance) -> Path:
    with open_cache(path) as cache:
        changed = departures_from(identity(provenance), cache)
    if changed:
        raise CacheError(
            f"{path} exists and was made differently (ours | found): {'; '.join(changed)}. "
            "Choose another --out, or replace it with --overwrite."
        )
    return path


def _nothing_left(dropped: dict[str, str]) -> str:
    reasons = Counter(reason.partition(":")[0] for reason in dropped.values())
    listed = ", ".join(f"{count} {kind}" for kind, count in reasons.most_common()) or "the table has no rows"
    example = next(iter(dropped.items()), None)
    first = f" First of them: {example[0]}: {example[1]}." if example else ""
    return f"no sample is usable, so no cache was written ({listed}).{first} See: mer-di check"
