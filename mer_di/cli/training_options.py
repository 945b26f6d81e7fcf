"""What the commands that train share: how folds are divided, seeded and spread over processes.

validation, seeds, jobs, dask, device, audit-leakage    train reproduce
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from mer_di.cli.library import LibraryOption
from mer_di.cli.options import dask_option, device_option, together

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mer_di.evaluation.results import Results


class SeedsCommand(click.Command):
    """A command whose ``--seeds`` takes numbers apart by commas or by spaces."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the numbers after ``--seeds`` to one value, which is what click reads."""
        joined: list[str] = []
        for argument in args:
            if argument.isdecimal() and len(joined) > 1 and joined[-2] == "--seeds":
                joined[-1] += f",{argument}"
            else:
                joined.append(argument)
        return super().parse_args(ctx, joined)


class _Seeds(click.ParamType[tuple[int, ...]]):
    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:  # noqa: ANN401
        try:
            return tuple(int(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} are no seeds; expected whole numbers, such as 0 or 0,1,2", param, ctx)


fold_options = together(
    click.option(
        "--validation",
        cls=LibraryOption,
        of="mer_di.evaluation.protocol:DEFAULT_VALIDATION",
        type=str,
        metavar="subjects:K|none",
        help="Training subjects that stop the training and choose the epoch; none: a fixed number of epochs.",
    ),
    click.option(
        "--seed",
        "--seeds",
        "seeds",
        type=_Seeds(),
        default="0",
        show_default=True,
        help="Several give mean ± sd, and a run each.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1),
        help="Folds at a time; changes no result. Default: one a processor on the CPU, else 1.",
    ),
    dask_option,
    device_option,
    click.option(
        "--audit-leakage",
        is_flag=True,
        help="Also record, and never use, what the best epoch on the tested subjects would have given.",
    ),
)
"""Add the options that say how folds are made and where they run."""


@contextlib.contextmanager
def fold_executor(jobs: int | None, dask: str | None, device: str) -> "Iterator[Executor | None]":
    """Open what folds run on: a Dask cluster, processes, or nothing for one at a time in this process."""
    from mer_di.executors import cluster, local, processors
    from mer_di.learning.devices import choose_device

    if dask:
        with cluster(dask) as workers:
            yield workers
        return
    count = jobs or (processors() if choose_device(device) == "cpu" else 1)
    if count == 1:
        yield None
        return
    with local("processes", count) as workers:
        yield workers


class FoldBar:
    """Folds done and time remaining on a terminal; silent in pipes and logs."""

    def __init__(self, title: str) -> None:
        from tqdm import tqdm

        self.bar = tqdm(desc=title, unit="fold", disable=None, file=sys.stderr, dynamic_ncols=True, smoothing=0)

    def __call__(self, name: str | None, total: int) -> None:
        """Take one more fold as done; see `mer_di.evaluation.evaluate.Progress`."""
        if name is None:
            finished = self.bar.n
            self.bar.reset(total)
            self.bar.initial = self.bar.n = finished  # they say nothing of the time that is left
        else:
            self.bar.set_postfix_str(name, refresh=False)
            self.bar.update()
        if self.bar.n == total:
            self.bar.close()


def spread(results: "Results", rate: str) -> str:
    """Return a rate in percent: with its interval, or as mean ± sd over several seeds."""
    over = results.seeds[rate]
    if over["sd"] is not None:
        return f"{100 * over['mean']:.1f} ± {100 * over['sd']:.1f}"
    bounds = results.intervals[rate] if results.intervals else None
    return f"{100 * getattr(results, rate):.1f}" + (
        f" [{100 * bounds[0]:.1f}, {100 * bounds[1]:.1f}]" if bounds else ""
    )
