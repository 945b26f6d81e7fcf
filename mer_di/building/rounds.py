"""The clips of a build rendered into their rows, and again what a late worker wrote over."""

import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from mer_di.building.job import Job
from mer_di.building.plan import PlannedClip
from mer_di.building.tasks import State, render_rows
from mer_di.cache import Rows, sync
from mer_di.errors import CacheError
from mer_di.executors import uninterrupted

CLIPS_A_SYNC = 8  # some 20 MB at 224 pixels
_ROUNDS = 3  # of rendering what strangers wrote over


def rendered(job: Job, rows: Rows, states: Sequence[State]) -> dict[int, bytes | str]:
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
        strange = unlike(rows, outcomes)
        if not strange:
            return outcomes
        outcomes = {index: outcome for index, outcome in outcomes.items() if index not in strange}
        rows = job.unfinished.admit(rows)
    raise written_over(rows, [clips[index] for index in strange])


def _one_round(job: Job, rows: Rows, indices: Sequence[int]) -> dict[int, bytes | str]:
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


def unlike(rows: Rows, outcomes: Mapping[int, bytes | str]) -> list[int]:
    """Return the rows that do not hold what was written to them."""
    return [
        index for index, outcome in outcomes.items() if isinstance(outcome, bytes) and rows.digest(index) != outcome
    ]


def written_over(rows: Rows, clips: Sequence[PlannedClip]) -> CacheError:
    """Return the error that says whose rows were written over by others."""
    return CacheError(
        f"{rows.path} does not hold what workers wrote of {len(clips)} sample(s), first of them "
        f"{clips[0].sample.sample_id}: those of an interrupted build still write to it. The others are kept: run the "
        "same again"
    )
