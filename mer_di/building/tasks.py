"""The clips of a plan rendered by an executor, each into its part, and told of in the plan's order."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.building.parts import Parts
from mer_di.building.plan import Plan, PlannedClip
from mer_di.building.rendering import RenderedClip, render
from mer_di.errors import SampleError
from mer_di.recipe import Recipe

Progress = Callable[[PlannedClip | None, int], None]
"""Called with each clip as it is finished and the number of clips in all.

Once, with None, when rendering begins: what was told before comes from an interrupted build and took no time.
"""

Outcome = tuple[PlannedClip, str | None]
"""A clip that was rendered, and the reason if it had to be dropped."""


def outcomes(
    plan: Plan,
    recipe: Recipe,
    parts: Parts,
    model: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Generator[Outcome, None, None]:
    """Render what is not finished yet, and yield every clip in order as soon as it and all before it are done.

    Parameters
    ----------
    plan : Plan
        Which clips.
    recipe : Recipe
    parts : Parts
        Where finished clips are, and go.
    model : pathlib.Path, optional
        Landmark model in place of the bundled one.
    executor : concurrent.futures.Executor, optional
        One thread by default. It is not shut down.
    progress : callable, optional
        See `Progress`.

    Yields
    ------
    PlannedClip
    str or None
        The reason if the sample had to be dropped.

    Notes
    -----
    When the generator is closed, what has not begun never begins.
    """
    with contextlib.closing(_rendered(plan, recipe, parts, model, executor, progress)) as rendered:
        yield from _in_order(plan.clips, rendered)


def render_part(clip: PlannedClip, recipe: Recipe, model: Path | None, parts: Parts) -> str | None:
    """Render one clip into its part; the task that workers run.

    Returns
    -------
    str or None
        The reason if the sample had to be dropped.
    """
    try:
        rendered = render(clip, recipe, model)
    except SampleError as reason:
        return str(reason)
    arrays: dict[str, NDArray[Any]] = {
        "di": rendered.di,
        "frames": rendered.frames,
        "transform": rendered.transform,
        "frame_size": np.array(rendered.frame_size),
    }
    parts.write(clip.sample.sample_id, arrays)
    return None


def read_part(clip: PlannedClip, parts: Parts) -> RenderedClip:
    """Read back what `render_part` wrote of a clip that was not dropped.

    Raises
    ------
    CacheError
        If the part is damaged.
    """
    part = parts.read(clip.sample.sample_id)
    height, width = part["frame_size"].tolist()
    return RenderedClip(part["di"], part["frames"], part["transform"], (height, width))


def _rendered(
    plan: Plan,
    recipe: Recipe,
    parts: Parts,
    model: Path | None,
    executor: Executor | None,
    progress: Progress | None,
) -> Generator[Outcome, None, None]:
    """Render what is not finished yet; yield each clip as it is done, with the reason if it had to be dropped."""
    tell = progress or (lambda _clip, _total: None)
    done: list[PlannedClip] = []
    waiting: list[PlannedClip] = []
    for clip in plan.clips:
        (done if parts.has(clip.sample.sample_id) else waiting).append(clip)
    for clip in done:
        tell(clip, len(plan.clips))
    tell(None, len(plan.clips))
    with contextlib.ExitStack() as stack:
        workers = executor or stack.enter_context(ThreadPoolExecutor(1))
        tasks = {workers.submit(render_part, clip, recipe, model, parts): clip for clip in waiting}
        yield from ((clip, None) for clip in done)
        for task in _finished(list(tasks)):
            clip, reason = tasks[task], task.result()
            tell(clip, len(plan.clips))
            yield clip, reason


def _in_order(clips: Sequence[PlannedClip], rendered: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield what was rendered in the order of the clips, each as soon as it and all before it are there."""
    there: dict[str, str | None] = {}
    following = deque(clips)
    for clip, reason in rendered:
        there[clip.sample.sample_id] = reason
        while following and following[0].sample.sample_id in there:
            first = following.popleft()
            yield first, there.pop(first.sample.sample_id)


def _finished(tasks: list[Future[str | None]]) -> Iterator[Future[str | None]]:
    """Yield tasks as they finish; if the caller leaves early, what has not begun never begins."""
    try:
        yield from as_completed(tasks)
    finally:
        for task in tasks:
            task.cancel()
