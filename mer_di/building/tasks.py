"""The clips of a plan rendered by an executor, each into its row of the cache."""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from pathlib import Path
from typing import Literal

from mer_di.building.plan import PlannedClip
from mer_di.building.rendering import render
from mer_di.cache import Rows
from mer_di.errors import BackendUnavailableError, SampleError
from mer_di.imaging.frames import frames_digest
from mer_di.recipe import Recipe

Progress = Callable[[PlannedClip | None, int], None]
"""Called with each clip as it is finished and the number of clips in all.

Once, with None, when rendering begins: what was told before comes from an earlier build and took no time.
"""

State = Literal["absent", "of other frames", "whole"]
"""What is in a row: nothing that could be relied on, images of frames that have changed since, or the right images."""


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
    return list(workers.map(row_state, clips, [rows] * len(clips), indices))


def row_state(clip: PlannedClip, rows: Rows, index: int) -> State:
    """Look what is in a row, and at the frames on disk; the task that workers run."""
    row = rows.read(index, clip.sample.sample_id)
    if row is None:
        return "absent"
    try:
        return "whole" if row.frames_digest == frames_digest(clip.path, clip.numbers, clip.files) else "of other frames"
    except SampleError:
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
        If a worker died.

    Notes
    -----
    When the generator is closed, what has not begun never begins.
    """
    tasks = {workers.submit(render_row, clip, recipe, model, rows, index): index for index, clip in clips.items()}
    try:
        for task in as_completed(tasks):
            yield tasks[task], task.result()
    except BrokenExecutor as error:
        raise BackendUnavailableError(
            f"a worker died ({error}); a lack of memory is the usual reason. Finished samples are kept: run the same "
            "again, with fewer --jobs if it happens again"
        ) from error
    finally:
        for task in tasks:
            task.cancel()


def render_row(clip: PlannedClip, recipe: Recipe, model: Path | None, rows: Rows, index: int) -> str | bytes:
    """Render one clip into its row; the task that workers run.

    Returns
    -------
    bytes or str
        The digest that was written; or the reason if the sample has to be dropped.
    """
    try:
        rendered = render(clip, recipe, model)
    except SampleError as reason:
        return str(reason)
    return rows.write(index, clip.sample.sample_id, rendered)


def reason_to_drop(clip: PlannedClip, recipe: Recipe, model: Path | None) -> str | None:
    """Render one clip for nothing but the reason, if there is one, to drop it; the task that workers run."""
    try:
        render(clip, recipe, model)
    except SampleError as reason:
        return str(reason)
    return None
