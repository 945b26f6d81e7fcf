"""``mer-di export``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mer_di.cli.library import LibraryChoice
from mer_di.cli.options import cache_argument, chosen_scheme, json_option, labels_option
from mer_di.cli.picture_options import streams_option

if TYPE_CHECKING:
    from mer_di.inspection.export import Form


@click.command("export")
@cache_argument
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new or empty folder to write."
)
@click.option(
    "--as",
    "form",
    type=LibraryChoice("mer_di.inspection.export:FORMS"),
    default="png",
    show_default=True,
    help="imagefolder: OUT/<stream>/<label>_<class>/*.png, each stream a root for torchvision.datasets.ImageFolder, "
    "whose numbers of classes are then the labels of index.csv.",
)
@labels_option
@streams_option
@click.option(
    "--normalization",
    type=LibraryChoice("mer_di.dynamic_images:NORMALIZATIONS"),
    help="Default: symmetric for pictures, which take 8-bit ones (symmetric, minmax, minmax-channel); raw for npy.",
)
@json_option
def command(
    cache: Path,
    out: Path,
    form: "Form",
    labels: str | None,
    streams: tuple[str, ...],
    normalization: str | None,
    as_json: bool,
) -> None:
    """Write the dynamic images as PNG or NPY files, with an index.

    The index, index.csv, has subject, label and files of every sample.
    """
    from mer_di.inspection.export import export

    done = export(cache, out, form, scheme=chosen_scheme(labels), streams=streams, normalization=normalization)
    samples = f"{done.samples} samples" + (f" ({done.left_out} left out by {labels})" if labels else "")
    said = f"{samples}, {done.files} files, {done.normalization} -> {done.folder}; what is what: index.csv"
    click.echo(json.dumps(asdict(done), indent=1, default=str) if as_json else said)
