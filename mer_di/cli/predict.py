"""``mer-di predict``."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mer_di.cli.options import device_option, json_option, landmark_model_option

if TYPE_CHECKING:
    from mer_di.predict import Prediction, TableReport
    from mer_di.predict.table import Progress

_number = "For a folder the last integer of a file name, for a video the 0-based position; inclusive."


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("clips", metavar="[CLIP]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--onset", type=int, multiple=True, help=_number)
@click.option("--apex", type=int, multiple=True, help="One for all clips, or the option once a clip.")
@click.option("--offset", type=int, multiple=True, help="In the same numbering.")
@click.option(
    "--fps",
    type=click.FloatRange(0, min_open=True),
    help="Frames per second of the clips; only a model of magnified clips asks for it.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="In place of CLIPs: a table of clips, each with its own key frames: a manifest, of which only the columns "
    "path, onset and offset are needed, and apex unless the model's cache was built with --apex-policy.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --table: the CSV of probabilities to write. The same command goes on with it.",
)
@click.option(
    "--root", type=click.Path(path_type=Path), help="With --table: the folder of its paths. Default: the table's own."
)
@click.option(
    "--allow",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="With --table: a folder outside that one which paths and links may lead into; may be repeated.",
)
@click.option("--jobs", type=click.IntRange(1), help="With --table: clips at a time. Default: one a processor.")
@landmark_model_option
@device_option
@json_option
def command(
    model: Path,
    clips: tuple[Path, ...],
    onset: tuple[int, ...],
    apex: tuple[int, ...],
    offset: tuple[int, ...],
    fps: float | None,
    table: Path | None,
    out: Path | None,
    root: Path | None,
    allow: tuple[Path, ...],
    jobs: int | None,
    landmark_model: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Give the class probabilities of new clips.

    A CLIP is a folder of images or a video, MODEL what mer-di train --save-model wrote.

    \b
    mer-di predict model.safetensors clips/new --onset 1 --apex 12 --offset 30
    mer-di predict model.safetensors --table clips.csv --out probabilities.csv

    Exit code 1 if a clip cannot be used; with --table it has a row all the same, with the reason.
    """  # noqa: D301 - \b is click's sign for lines that it must not wrap
    from mer_di.executors import local
    from mer_di.predict import Clip, predict, predict_table

    numbers = {"onset": onset, "apex": apex, "offset": offset}
    if table is not None or out is not None:
        if table is None or out is None or clips or fps or any(numbers.values()):
            raise click.UsageError(
                "--table and --out go together, and take the place of CLIPs, their key frames and their --fps"
            )
        with local("threads", jobs) as executor, _bar() as progress:
            report = predict_table(
                model,
                table,
                out,
                root=root,
                allow=allow,
                device=device,
                landmarks=landmark_model,
                executor=executor,
                progress=progress,
            )
        click.echo(json.dumps(asdict(report), indent=1, default=str) if as_json else _summary(report))
        sys.exit(bool(report.problems))
    if root or allow or jobs:
        raise click.UsageError("--root, --allow and --jobs belong to --table")
    if not clips:
        raise click.UsageError("expected CLIPs with --onset, --apex and --offset, or --table and --out")
    spans = zip(clips, *(_each(name, values, len(clips)) for name, values in numbers.items()), strict=True)
    found = predict(
        model,
        [Clip(path, first, peak, last, fps) for path, first, peak, last in spans],
        device=device,
        landmarks=landmark_model,
    )
    click.echo(_json(found) if as_json else "\n".join(map(_line, found)))
    sys.exit(any(item.problem for item in found))


@contextmanager
def _bar() -> Iterator["Progress"]:
    """Show clips done and time remaining on a terminal; silent in pipes and logs."""
    from tqdm import tqdm

    with tqdm(unit="clip", disable=None, dynamic_ncols=True) as bar:

        def progress(finished: int, total: int) -> None:
            bar.total = total
            bar.update(finished - bar.n)

        yield progress


def _each(name: str, values: tuple[int, ...], clips: int) -> tuple[int, ...]:
    if len(values) not in (1, clips):
        raise click.UsageError(
            f"--{name} is given {len(values)} times for {clips} clips; expected once, or once a clip"
        )
    return values * clips if len(values) == 1 else values


def _json(found: "list[Prediction]") -> str:
    rows = [
        {"clip": str(item.clip.path), "probabilities": item.probabilities, "problem": item.problem} for item in found
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def _line(item: "Prediction") -> str:
    if item.problem:
        return f"{item.clip.path}: unusable: {item.problem}"
    return f"{item.clip.path}: " + ", ".join(f"{name} {value:.3f}" for name, value in item.probabilities.items())


def _summary(report: "TableReport") -> str:
    earlier = f" ({report.earlier} of them by an earlier command)" if report.earlier else ""
    again = f", {report.again} once more, as their frames are others than then" if report.again else ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.problems.items())
    unusable = f", {sum(report.problems.values())} cannot be ({kinds}; see the column problem)" if kinds else ""
    return f"predicted {report.predicted}{earlier}{again}{unusable} -> {report.path}"
