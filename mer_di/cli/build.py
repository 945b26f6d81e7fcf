"""``mer-di build``."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mer_di.cli.library import LibraryChoice, LibraryOption
from mer_di.cli.options import (
    align_option,
    apex_policy_option,
    dask_option,
    database_options,
    json_option,
    landmark_model_option,
    load,
    min_class_size_option,
    report_corrections,
)

if TYPE_CHECKING:
    from mer_di.building.build_report import BuildReport
    from mer_di.building.plan import PlannedClip
    from mer_di.executors import Workers

_recipe_option = partial(click.option, cls=LibraryOption, of="mer_di.recipe:Recipe")


class _Band(click.ParamType[tuple[float, float]]):
    name = "LOW,HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:  # noqa: ANN401
        try:
            low, high = map(float, value if isinstance(value, tuple) else value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no band; expected two frequencies in Hz, such as 2,8", param, ctx)
        return low, high


@click.command("build")
@database_options(default="synthetic")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The cache to write.")
@_recipe_option("--size", type=click.IntRange(1), help="Side of the images in pixels.")
@align_option
@click.option(
    "--aspect",
    type=LibraryChoice("mer_di.recipe:Aspect"),
    default="stretch",
    show_default=True,
    help="How a frame that is not square becomes square, without alignment.",
)
@click.option(
    "--several-faces",
    type=LibraryChoice("mer_di.recipe:SeveralFaces"),
    default="drop",
    show_default=True,
    help="When the onset frame shows more than one face.",
)
@landmark_model_option
@_recipe_option("--scheme", type=LibraryChoice("mer_di.rank_pooling:SCHEMES"), help="Weights over frames.")
@_recipe_option("--magnify-band", type=_Band(), help="Scheme magnified: the band that is magnified, in Hz.")
@_recipe_option("--magnify-alpha", type=float, help="Scheme magnified: how much of the band is added.")
@_recipe_option(
    "--reversal",
    help="How apex→offset is weighed: as the phase reversed in time, or by negated weights; arp: the same.",
)
@_recipe_option("--apex-in", help="The phase that holds the apex frame.")
@apex_policy_option
@_recipe_option(
    "--apex-sigma", type=float, help="Standard deviation of the apex in frames: the expected images are pooled."
)
@_recipe_option(
    "--apex-jitter",
    type=click.IntRange(0),
    help="Hold the images of both phases at this many neighbouring apexes as well: see train --apex-jitter.",
)
@_recipe_option("--temporal-length", type=click.IntRange(2), help="Resample each phase linearly to this many frames.")
@_recipe_option(
    "--flow",
    type=LibraryChoice("mer_di.streams:FlowEngine"),
    help="Add the optical flow of both phases, estimated by this engine; ilk misses least.",
)
@min_class_size_option
@click.option(
    "--part", metavar="K/N", help="Build every N-th sample only, from the K-th: mer-di merge joins the N caches to one."
)
@click.option("--no-frames", is_flag=True, help="Leave key frames out of the cache: they are faces.")
@click.option("--jobs", type=click.IntRange(1), help="Clips at a time. Default: one a processor.")
@click.option(
    "--workers",
    type=LibraryChoice("mer_di.executors:Workers"),
    default="threads",
    show_default=True,
    help="What renders the clips; the cache is the same.",
)
@dask_option
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an existing cache once the new one is complete, and discard an interrupted build of it.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 if any sample was dropped.")
@json_option
def command(
    dataset: str,
    root: Path | None,
    table: Path | None,
    allow: tuple[Path, ...],
    tree: str | None,
    corrections: str,
    out: Path,
    min_class_size: int,
    part: str | None,
    landmark_model: Path | None,
    no_frames: bool,
    jobs: int | None,
    workers: "Workers",
    dask: str | None,
    overwrite: bool,
    strict: bool,
    as_json: bool,
    **parameters: Any,  # noqa: ANN401 - the recipe's fields, which Recipe checks
) -> None:
    """Build a cache of phase-aware dynamic images from a database.

    An interrupted build is resumed by the same command.
    """
    from mer_di.building.build import build_cache
    from mer_di.building.defaults import default_recipe
    from mer_di.building.part import Part
    from mer_di.executors import cluster, local

    database = load(dataset, root, table, allow, tree, corrections)
    report_corrections(database)
    recipe = default_recipe(database, model=landmark_model, **parameters)
    with cluster(dask) if dask else local(workers, jobs) as executor, _bar() as progress:
        report = build_cache(
            database,
            out,
            recipe,
            min_class_size=min_class_size,
            part=Part.from_text(part) if part else None,
            key_frames=not no_frames,
            model=landmark_model,
            executor=executor,
            overwrite=overwrite,
            progress=progress,
        )
    click.echo(json.dumps(asdict(report), indent=1, default=str) if as_json else _lines(report))
    sys.exit(bool(strict and report.dropped))


class _Bar:
    """Clips done, frames a second and time remaining on a terminal; silent in pipes and logs."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self.bar = tqdm(
            disable=None,  # where stderr is no terminal
            smoothing=0,
            dynamic_ncols=True,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} clips{postfix}, {remaining} left",
        )
        self.frames = 0
        self.started = time.perf_counter()

    def __call__(self, clip: "PlannedClip | None", total: int) -> None:
        if clip is None:
            finished = self.bar.n
            self.bar.reset(total)
            self.bar.initial = self.bar.n = finished  # they say nothing of the time that is left
            self.frames, self.started = 0, time.perf_counter()
            return
        self.frames += len(clip.numbers)
        self.bar.set_postfix_str(f"{self.frames / (time.perf_counter() - self.started):.0f} frames/s", refresh=False)
        self.bar.update()


@contextlib.contextmanager
def _bar() -> Iterator[_Bar]:
    progress = _Bar()
    try:
        yield progress
    finally:
        progress.bar.close()


def _lines(report: "BuildReport") -> str:
    lines = [*report.remarks]
    lines += [f"rendered {sample_id} again: its frames have changed since" for sample_id in report.again]
    lines += [f"dropped {sample_id}: {reason}" for sample_id, reason in report.dropped.items()]
    if report.already_complete:
        lines.append(f"{report.path} is already complete; nothing was done")
    reasons = ", ".join(f"{count} {kind}" for kind, count in report.reasons.items())
    classes = ", ".join(f"{name} {count}" for name, count in report.classes.items())
    earlier = report.resumed and not report.already_complete
    resumed = f", {report.resumed} samples from an earlier build" if earlier else ""
    lines.append(
        f"kept {report.kept}, dropped {len(report.dropped)}{f' ({reasons})' if reasons else ''}; "
        f"{len(report.classes)} classes ({classes}); {report.frames} frames in {report.seconds:.1f} s{resumed} -> "
        f"{report.path}"
    )
    return "\n".join(lines)
