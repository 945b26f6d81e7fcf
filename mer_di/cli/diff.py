"""``mer-di diff``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from mer_di.cli.options import json_option

_TITLES = {
    "provenance": "Origin (a | b)",
    "recipe": "Recipe (a | b)",
    "only_a": "Only in a (b's reason)",
    "only_b": "Only in b (a's reason)",
    "samples": "Samples that differ (a | b)",
    "dropped": "Dropped by both or unknown to one (a's reason | b's)",
}


@click.command("diff")
@click.argument("a", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("b", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def command(a: Path, b: Path, as_json: bool) -> None:
    """Say in what two caches differ: recipe, samples, labels, pixels.

    Exit code 1 if anything differs.
    """
    from mer_di.cache import open_cache
    from mer_di.inspection.comparison import compare

    with open_cache(a) as first, open_cache(b) as second:
        found = compare(first, second)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=1))
    elif found.equal:
        click.echo("equal: same origin, recipe, samples and pixels")
    else:
        parts = [(_TITLES[name], lines) for name, lines in asdict(found).items() if lines]
        click.echo("\n\n".join(title + "".join(f"\n  {line}" for line in lines) for title, lines in parts))
    sys.exit(not found.equal)
