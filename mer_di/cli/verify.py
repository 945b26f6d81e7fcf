"""``mer-di verify``."""

import json
import sys
from pathlib import Path

import click

from mer_di.cli.options import cache_argument, database_options, json_option, landmark_model_option, load


@click.command("verify")
@cache_argument
@click.option("--recompute", type=click.IntRange(0), default=0, help="Render K samples again from their frames.")
@database_options(default=None)
@landmark_model_option
@json_option
def command(
    cache: Path,
    recompute: int,
    dataset: str | None,
    root: Path | None,
    table: Path | None,
    allow: tuple[Path, ...],
    tree: str | None,
    corrections: str,
    landmark_model: Path | None,
    as_json: bool,
) -> None:
    """Check that a cache holds what it claims to.

    Names, types and shapes, the digest of every row, labels against classes, images against what their weights can
    give; with --recompute also pixels against the frames. Exit code 1 if it departs from its claims.
    """
    from mer_di.cache import open_cache
    from mer_di.inspection.verification import departures, recomputed, unchecked

    with open_cache(cache) as opened:
        found, unseen = departures(opened), unchecked(opened)
        if recompute and not found:
            name = dataset or opened.attributes["dataset"]
            database = load(name, root, table, allow, tree or opened.recipe.tree, corrections)
            found = recomputed(opened, database, recompute, model=landmark_model)
        count = len(opened)
    repeated = 0 if found else min(recompute, count)
    if as_json:
        result = {
            "path": str(cache),
            "samples": count,
            "recomputed": repeated,
            "departures": found,
            "unchecked": unseen,
        }
        click.echo(json.dumps(result, indent=1))
    elif found:
        click.echo("\n".join(found))
    else:
        click.echo(f"{cache} holds: {count} samples" + f", {repeated} of them recomputed to the bit" * bool(repeated))
    for line in unseen if not as_json else ():
        click.echo(f"not checked: {line}", err=True)
    sys.exit(bool(found))
