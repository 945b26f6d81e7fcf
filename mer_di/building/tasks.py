"""The clips of a plan rendered by an executor, each into its row of the cache."""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from mer_di.building.faults import require_fault_of_data
from mer_di.building.plan import Plan, PlannedClip
from mer_di.building.rendering import render
from mer_di.building.spotting import spotted
from mer_di.cache import Rows
from mer_di.errors import BackendUnavailableError, SampleError
from mer_di.executors import lost_its_workers, uninterrupted
from mer_di.imaging.frames import frames_digest
from mer_di.recipe import Recipe

Progress = Callable[[PlannedClip | None, int], None]
"""Called with each clip as it is finished and the number of clips in all.

Once, with None, when rendering begins: what was told before comes from an earlier build and took no time.
"""

_T = TypeVar("_T")

State = Literal["absent", "of other frames", "whole"]
"""What is in a row: nothing that could be relied on, images of frames that have changed since, or the right images."""


def with_apexes(plan: Plan, recipe: Recipe, model: Path | None, workers: Executor) -> Plan:
    """Look for the apexes that a plan leaves to the frames.

    Parameters
    ----------
    plan : Plan
    recipe : Recipe
    model : pathlib.Path or None
        Landmark model in place of the bundled one.
    workers : concurrent.futures.Executor

    Returns
    -------
    Plan
        The same, without unspotted clips: one whose frames do not tell its apex is dropped with its reason.
    """
    calls = {clip: (clip, recipe, model) for clip in plan.clips if clip.apex_source == "unspotted"}
    found = dict(_done(workers, spot_clip, calls))
    clips = [found.get(clip, clip) for clip in plan.clips]
    dropped = {clip.sample.sample_id: reason for clip, reason in found.items() if isinstance(reason, str)}
    return Plan(tuple(clip for clip in clips if not isinstance(clip, str)), plan.dropped | dropped)


def row_states(clips: Sequence[PlannedClip], rows: Rows, indices: Sequence[int], workers: Executor) -> list[State]:
    """Look what is in rows, and at the frames on disk.

    Parameters
    ----------
    clips : sequence of PlannedClip
    rows : Rows
    indices : sequence of int
        0-based row of each clip.
    workers : concurrent.futures.Executor

    Returns
    -------
    list of State
    """
    calls = {number: (clip, rows, index) for number, (clip, index) in enumerate(zip(clips, indices, strict=True))}
    states = dict(_done(workers, row_state, calls))
    return [states[number] for number in calls]


def reasons_to_drop(
    clips: Sequence[PlannedClip], recipe: Recipe, model: Path | None, workers: Executor
) -> dict[str, str | None]:
    """Render clips for nothing but the reasons to drop them: sample id to reason, None where there is none."""
    return dict(_done(workers, render_for_nothing, {clip.sample.sample_id: (clip, recipe, model) for clip in clips}))


def row_state(clip: PlannedClip, rows: Rows, index: int) -> State:
    """Look what is in a row, and at the frames on disk; the task that workers run."""
    row = rows.read(index, clip.sample.sample_id)
    if row is None:
        return "absent"
    try:
        return "whole" if row.frames_digest == frames_digest(clip.path, clip.numbers, clip.files) else "of other frames"
    except SampleError as error:
        require_fault_of_data(error)
        return "of other frames"


def render_rows(
    clips: Mapping[int, PlannedClip], recipe: Recipe, rows: Rows, model: Path | None, workers: Executor
) -> Generator[tuple[int, str | bytes], None, None]:
    """Render clips into their rows.

    Parameters
    ----------
    clips : mapping of int to PlannedClip
        By 0-based row.
    recipe : Recipe
    rows : Rows
    model : pathlib.Path or None
        Landmark model in place of the bundled one.
    workers : concurrent.futures.Executor

    Yields
    ------
    int
        A row, as soon as it is finished.
    bytes or str
        The digest that was written; or the reason if its sample has to be dropped.

    Raises
    ------
    BackendUnavailableError
        If a worker died or the executor was shut down.

    Notes
    -----
    When the generator is closed, what has not begun never begins.
    """
    return _done(workers, render_row, {index: (clip, recipe, model, rows, index) for index, clip in clips.items()})


def _done(
    workers: Executor, task: Callable[..., _T], calls: Mapping[Any, tuple[Any, ...]]
) -> Generator[tuple[Any, _T], None, None]:
    """Yield the key of each call and what it returned, as soon as it is there.

    Unlike `as_completed`, this does not wait for ever for what an executor cancels when it is shut down.
    """
    tasks: dict[Future[_T], Any] = {}
    finished: SimpleQueue[Future[_T]] = SimpleQueue()
    try:
        with uninterrupted():
            for key, arguments in calls.items():
                each = _submitted(workers, task, arguments)
                tasks[each] = key
                each.add_done_callback(finished.put)
        for _ in calls:
            each = finished.get()
            yield tasks[each], _result(each, calls[tasks[each]][0])
    finally:
        with uninterrupted():
            for each in tasks:
                each.cancel()


def _submitted(workers: Executor, task: Callable[..., _T], arguments: tuple[Any, ...]) -> Future[_T]:
    try:
        return workers.submit(task, *arguments)
    except RuntimeError as error:
        raise BackendUnavailableError(
            f"the executor takes no tasks ({error}); run the same again with another"
        ) from error


def _result(task: Future[_T], clip: PlannedClip) -> _T:
    try:
        return task.result()
    except Exception as error:
        if not lost_its_workers(error):
            raise
        raise BackendUnavailableError(
            f"a worker died or was lost while {clip.sample.sample_id} was rendered, or waited for it "
            f"({str(error) or type(error).__name__}); a lack of memory is the usual reason. Finished samples are "
            "kept: run the same again, with fewer --jobs if it happens again"
        ) from error


def spot_clip(clip: PlannedClip, recipe: Recipe, model: Path | None) -> PlannedClip | str:
    """Find the apex of one clip, or the reason why its sample has to be dropped; the task that workers run."""
    try:
        return spotted(clip, recipe, model)
    except SampleError as error:
        require_fault_of_data(error)
        return str(error)


def render_row(clip: PlannedClip, recipe: Recipe, model: Path | None, rows: Rows, index: int) -> str | bytes:
    """Render one clip into its row; the task that workers run.

    Returns
    -------
    bytes or str
        The digest that was written; or the reason if the sample has to be dropped.
    """
    try:
        rendered = render(clip, recipe, model)
    except SampleError as error:
        require_fault_of_data(error)
        return str(error)
    return rows.write(index, clip.sample.sample_id, rendered)


def render_for_nothing(clip: PlannedClip, recipe: Recipe, model: Path | None) -> str | None:
    """Render one clip for nothing but the reason, if there is one, to drop it; the task that workers run."""
    try:
        render(clip, recipe, model)
    except SampleError as error:
        require_fault_of_data(error)
        return str(error)
    return None
