"""From a database to a cache: one sample a task, resumable, atomic, the same file however it was scheduled."""

import contextlib
import errno
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from mer_di.building.build_report import BuildReport
from mer_di.building.defaults import default_recipe
from mer_di.building.destination import in_words, left_by_older_versions, require_replaceable, sole_writer
from mer_di.building.entry import cache_entry
from mer_di.building.former import read_former
from mer_di.building.identity import table_key
from mer_di.building.job import Job
from mer_di.building.part import Part
from mer_di.building.plan import PlannedClip, make_plan
from mer_di.building.rounds import rendered, unlike, written_over
from mer_di.building.tasks import Progress, State, reasons_to_drop, row_states, with_apexes
from mer_di.building.unfinished import Unfinished, take_over
from mer_di.cache import CORRECTION_COLUMNS, Provenance, Rows, make_cache
from mer_di.datasets import Database
from mer_di.errors import CacheError
from mer_di.files import written_aside
from mer_di.recipe import Recipe

_OF_AN_APEX = {"apex-missing", "apex-outside"}


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
        job = Job(
            path, former, overwrite, unfinished, provenance, plan, model, workers, database.root, progress or _untold
        )
        if not plan.clips:
            raise CacheError(_nothing_left(job.dropped))
        job.require_no_loss(job.dropped)
        report = _found_complete(job) or _built(job)
        remarks = left_by_older_versions(path) + report.remarks
        return replace(report, path=Path(out), seconds=time.perf_counter() - started, remarks=remarks)


def _found_complete(job: Job) -> BuildReport | None:
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
    return BuildReport.of(job.path, kept, former.dropped, resumed=len(kept), already_complete=True)


def _built(job: Job) -> BuildReport:
    clips = job.plan.clips
    entries = [cache_entry(clip) for clip in clips]
    rows, found = job.unfinished.claim(job.provenance, entries, job.dropped, discard=job.overwrite)
    if job.former:
        index = {key: number for number, key in enumerate(job.former.images)}
        take_over(job.former.rows, index, rows, entries)
    nothing: Sequence[State] = ["absent"] * len(clips)
    states = row_states(clips, rows, range(len(clips)), job.workers) if found != "nothing" or job.former else nothing
    outcomes = rendered(job, rows, states)
    reasons = {index: outcome for index, outcome in outcomes.items() if isinstance(outcome, str)}
    dropped = job.dropped | {clips[index].sample.sample_id: reason for index, reason in reasons.items()}
    job.require_no_loss(dropped)
    kept = [index for index in range(len(clips)) if index not in reasons]
    if not kept:
        job.unfinished.remove()
        raise CacheError(_nothing_left(dropped))
    if reasons:
        _close_up(job, rows, kept, dropped)
    else:
        _put_in_place(job, rows, outcomes)
    again = [clips[index].sample.sample_id for index in kept if states[index] == "of other frames"]
    damaged = [f"{job.unfinished.path} was damaged; samples that were whole in it are kept"]
    return BuildReport.of(
        job.path,
        [clips[index] for index in kept],
        dropped,
        resumed=list(states).count("whole"),
        again=again,
        remarks=damaged if found == "a damaged file" else [],
    )


def _put_in_place(job: Job, rows: Rows, outcomes: Mapping[int, bytes | str]) -> None:
    job.unfinished.put_in_place(rows, job.path)
    strange = unlike(replace(rows, path=job.path), outcomes)
    if strange:
        job.path.replace(job.unfinished.path)
        raise written_over(rows, [job.plan.clips[index] for index in strange])


def _close_up(job: Job, rows: Rows, kept: Sequence[int], dropped: dict[str, str]) -> None:
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
    way = " --apex-policy spot or midpoint does without the table's apex." if reasons.keys() & _OF_AN_APEX else ""
    return f"no sample is usable, so no cache was written ({listed}).{first}{way} See: mer-di check"
