"""``mer-di labels``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mer_di.cli.options import json_option

if TYPE_CHECKING:
    from mer_di.labels import LabelScheme


@click.command("labels")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the label schemes that --labels takes.

    With NAME, or the file of a scheme of your own, print its TOML once it is found to be one.
    """
    from mer_di.labels import list_schemes, read_scheme, scheme_text

    schemes = [read_scheme(each) for each in ([name] if name else list_schemes())]
    if as_json:
        click.echo(json.dumps([asdict(scheme) | {"sha256": scheme.sha256} for scheme in schemes], indent=1))
    elif name:
        click.echo(scheme_text(name), nl=False)
    else:
        click.echo(tabulate([_row(scheme) for scheme in schemes], ("name", "classes", "samples as published", "what")))


def _row(scheme: "LabelScheme") -> tuple[str, int, str, str]:
    sizes = {name: sum(database.published.values()) for name, database in scheme.databases.items()}
    samples = " + ".join(f"{name} {size}" for name, size in sizes.items())
    total = f" = {sum(sizes.values())}" if len(sizes) > 1 else ""
    return scheme.name, len(scheme.classes), samples + total, scheme.title
