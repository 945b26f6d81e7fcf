"""Options that several commands share; a flag means one thing everywhere.

dataset, root, table, tree, corrections   which database, and how it is loaded    check build verify
apex_policy, min_class_size               which samples are used                  check build
json                                      machine-readable results on stdout      all that report
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mer_di.datasets import Database

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

cache_argument = click.argument("cache", type=click.Path(path_type=Path, dir_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
apex_policy_option = click.option(
    "--apex-policy",
    type=click.Choice(["drop", "midpoint"]),
    default="drop",
    show_default=True,
    help="For an apex that is missing, outside onset..offset, or leaves a phase of one frame.",
)
min_class_size_option = click.option(
    "--min-class-size",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Drop classes with fewer rows in the table; the paper uses 10.",
)
landmark_model_option = click.option(
    "--landmark-model",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A dlib 5-point shape predictor in place of the bundled one.",
)


def database_options(default: str | None) -> Decorator:
    """Add the options that `load` takes.

    Parameters
    ----------
    default : str or None
        The database if none is named; None makes ``--dataset`` optional without a default.
    """
    options = (
        click.option("--dataset", default=default, show_default=True, help="A name from: mer-di datasets."),
        click.option(
            "--root",
            type=click.Path(path_type=Path),
            help="Where the database lies; for manifest the CSV or XLSX file. Default: $MER_DI_DATA/<dataset>.",
        ),
        click.option("--table", type=click.Path(path_type=Path), help="The annotation table, where there are several."),
        click.option("--tree", help="Which frame tree, where a database has several (cropped, selected, raw)."),
        click.option(
            "--corrections",
            default="released",
            show_default=True,
            help="Comma-separated sets of named corrections, or none.",
        ),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def load(dataset: str, root: Path | None, table: Path | None, tree: str | None, corrections: str) -> "Database":
    """Load the database that the options of `database_options` name."""
    from mer_di.datasets import load_dataset

    sets = tuple(name.strip() for name in corrections.split(",") if name.strip() not in ("", "none"))
    return load_dataset(dataset, root, table=table, tree=tree, corrections=sets)


def report_corrections(database: "Database") -> None:
    """Tell on stderr which corrections were applied and how many findings there are."""
    for item in database.applied:
        click.echo(
            f"corrected {item.sample_id}: {item.field} {item.was} -> {item.now} ({item.why}; {item.source})", err=True
        )
    if database.findings:
        click.echo(f"{len(database.findings)} finding(s) about the files; see: mer-di check", err=True)
