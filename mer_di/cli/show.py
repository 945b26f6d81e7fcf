"""``mer-di show``."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from mer_di.cli.library import LibraryChoice
from mer_di.cli.options import cache_argument, json_option
from mer_di.cli.picture_options import no_frames_option, streams_option


@click.command("show")
@cache_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The PNG to write.")
@click.option("--class", "emotion", help="Only samples of this class.")
@click.option("--subject", help="Only samples of this subject.")
@click.option(
    "--n",
    type=click.IntRange(1),
    default=24,
    show_default=True,
    help="At most this many, spread evenly over classes and subjects; the same ones each time.",
)
@streams_option
@click.option(
    "--normalization",
    type=LibraryChoice("mer_di.dynamic_images:NORMALIZATIONS"),
    default="symmetric",
    show_default=True,
    help="symmetric: each image on its own scale, no motion is grey; unit-weight: grey levels, one scale for all.",
)
@click.option("--side", type=click.IntRange(64, 1024), default=112, show_default=True, help="Pixels of each image.")
@no_frames_option
@json_option
def command(
    cache: Path,
    out: Path,
    emotion: str | None,
    subject: str | None,
    n: int,
    streams: tuple[str, ...],
    normalization: str,
    side: int,
    no_frames: bool,
    as_json: bool,
) -> None:
    """Draw a contact sheet: key frames and images of some samples."""
    from mer_di.inspection.contact_sheet import write_contact_sheet

    sheet = write_contact_sheet(
        cache,
        out,
        n=n,
        emotion=emotion,
        subject=subject,
        streams=streams,
        normalization=normalization,
        side=side,
        frames=not no_frames,
    )
    shown = f"{len(sheet.sample_ids)} of {sheet.matching} samples -> {sheet.path}"
    click.echo(json.dumps(asdict(sheet), indent=1, default=str) if as_json else shown)
