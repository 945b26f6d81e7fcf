"""The clips of a plan rendered by an executor, each into its row of the cache."""

import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal, TypeVar

from mer_di.building.faults import require_fault_of_data
from mer_di.building.plan import Plan, PlannedClip
from mer_di.building.rendering import render
from mer_di.building.spotting import spotted
from mer_di.cache import Rows
from mer_di.errors import BackendUnavailableError, SampleError
from mer_di.executors import finished
from mer_di.imaging.frames import frames_digest
from mer_di.recipe import Recipe

Found = TypeVar("Found")

Progress = Callable[[PlannedClip | None, int], None]
"""Called with each clip as it is finished and the number of clips in all.

Once, with None, when rendering begins: what was told before comes from an earlier build and took no time.
"""

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
    found = dict(finished(workers, spot_clip, calls, _named))
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
    states = dict(finished(workers, row_state, calls, _named))
    return [states[number] for number in calls]


def reasons_to_drop(
    clips: Sequence[PlannedClip], recipe: Recipe, model: Path | None, workers: Executor
) -> dict[str, str | None]:
    """Render clips for nothing but the reasons to drop them: sample id to reason, None where there is none."""
    calls = {clip.sample.sample_id: (clip, recipe, model) for clip in clips}
    return dict(finished(workers, render_for_nothing, calls, _named))


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
    calls = {index: (clip, recipe, model, rows, index) for index, clip in clips.items()}
    return finished(workers, render_row, calls, _named)


def _named(clip: PlannedClip, *_rest: object) -> str:
    return f"sample {clip.sample.sample_id}"


def spot_clip(clip: PlannedClip, recipe: Recipe, model: Path | None) -> PlannedClip | str:
    """Find the apex of one clip, or the reason why its sample has to be dropped; the task that workers run."""
    return _or_reason(spotted, clip, recipe, model)


def render_row(clip: PlannedClip, recipe: Recipe, model: Path | None, rows: Rows, index: int) -> str | bytes:
    """Render one clip into its row; the task that workers run.

    Returns
    -------
    bytes or str
        The digest that was written; or the reason if the sample has to be dropped.
    """
    rows.require_open()
    rendered = _or_reason(render, clip, recipe, model)
    return rendered if isinstance(rendered, str) else rows.write(index, clip.sample.sample_id, rendered)


def render_for_nothing(clip: PlannedClip, recipe: Recipe, model: Path | None) -> str | None:
    """Render one clip for nothing but the reason, if there is one, to drop it; the task that workers run."""
    rendered = _or_reason(render, clip, recipe, model)
    return rendered if isinstance(rendered, str) else None


def _or_reason(
    work: Callable[[PlannedClip, Recipe, Path | None], Found], clip: PlannedClip, recipe: Recipe, model: Path | None
) -> Found | str:
    """Return what the work on a clip gives, or the reason why its sample has to be dropped."""
    try:
        return work(clip, recipe, model)
    except SampleError as error:
        _require_same_files(clip)
        require_fault_of_data(error)
        return str(error)


def _require_same_files(clip: PlannedClip) -> None:
    """Make sure that a clip which the plan found is there for this worker: a share that it lacks is no fault of data.

    Raises
    ------
    BackendUnavailableError
    """
    if not clip.path.exists():
        raise BackendUnavailableError(
            f"{clip.path} was there when the build began and is not for the worker on {socket.gethostname()}: it does "
            "not see the same files, or they are being moved. Finished samples are kept: mend it and run the same again"
        )
