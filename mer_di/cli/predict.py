"""``mer-di predict``."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mer_di.cli.options import device_option, json_option, landmark_model_option

if TYPE_CHECKING:
    from mer_di.predict import Prediction

_number = "For a folder the last integer of a file name, for a video the 0-based position; inclusive."


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("clips", metavar="CLIP...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--onset", type=int, multiple=True, required=True, help=_number)
@click.option("--apex", type=int, multiple=True, required=True, help="One for all clips, or the option once a clip.")
@click.option("--offset", type=int, multiple=True, required=True, help="In the same numbering.")
@click.option(
    "--fps",
    type=click.FloatRange(0, min_open=True),
    help="Frames per second of the clips; only a model of magnified clips asks for it.",
)
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
    landmark_model: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Give the class probabilities of new clips, folders of images or videos, by a model of: mer-di train --save-model.

    Exit code 1 if a clip cannot be used.
    """
    from mer_di.predict import Clip, predict

    numbers = [
        _each(name, values, len(clips)) for name, values in (("onset", onset), ("apex", apex), ("offset", offset))
    ]
    spans = [Clip(path, first, peak, last, fps) for path, first, peak, last in zip(clips, *numbers, strict=True)]
    found = predict(model, spans, device=device, landmarks=landmark_model)
    click.echo(_json(found) if as_json else "\n".join(map(_line, found)))
    sys.exit(any(item.problem for item in found))


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
