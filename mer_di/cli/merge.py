"""``mer-di merge``."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from mer_di.cli.options import json_option


@click.command("merge")
@click.argument("caches", metavar="CACHE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The cache to write.")
@json_option
def command(caches: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Join caches of one recipe that were built apart.

    All parts of a table (mer-di build --part) give the cache that one build of it writes. The caches are left as they
    are.
    """
    from mer_di.building.merge import merge_caches

    report = merge_caches(caches, out)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1, default=str))
        return
    classes = ", ".join(f"{name} {count}" for name, count in report.classes.items())
    click.echo(
        f"joined {len(caches)} caches: kept {report.kept}, dropped {report.dropped}; {len(report.classes)} classes "
        f"({classes}) -> {report.path}"
    )
