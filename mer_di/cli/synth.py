"""``mer-di synth``."""

import json
from pathlib import Path

import click

from mer_di.cli.library import LibraryChoice
from mer_di.cli.options import json_option


@click.command("synth")
@click.option(
    "--layout",
    type=LibraryChoice("mer_di.synthetic:LAYOUTS"),
    default="mmew",
    show_default=True,
    help="Whose table and folders to draw.",
)
@click.option("--tree", help="Which of the database's frame trees to draw.  [default: the most used]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new or empty folder.")
@click.option("--subjects", type=click.IntRange(1), default=8, show_default=True, help="How many people.")
@click.option("--clips-per-emotion", type=click.IntRange(1), default=1, show_default=True, help="For each subject.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another one draws other people.")
@click.option("--messy", is_flag=True, help="Plant every known quirk of the real databases, listed in planted.csv.")
@json_option
def command(
    layout: str,
    tree: str | None,
    out: Path,
    subjects: int,
    clips_per_emotion: int,
    seed: int,
    messy: bool,
    as_json: bool,
) -> None:
    """Draw a synthetic database in an official layout."""
    from mer_di.synthetic import write_database

    root = write_database(
        out, layout=layout, tree=tree, subjects=subjects, clips_per_emotion=clips_per_emotion, seed=seed, messy=messy
    )
    if as_json:
        click.echo(json.dumps({"root": str(root), "layout": layout}, indent=1))
        return
    click.echo(f"drew a synthetic {layout} database in {root}; next: mer-di check --dataset {layout} --root {root}")
