"""Options that several commands share; a flag means one thing everywhere.

dataset, root, table, allow, tree, corrections   which database, and how it is loaded    check build verify reproduce
apex_policy, min_class_size                      which samples are used                  check build
align                                            how faces are registered                build reproduce
landmark_model                                   what finds the landmarks                build verify predict
device, dask                                     where networks, clips or folds run      build train reproduce predict
labels                                           which emotions are one class            train report export
json                                             machine-readable results on stdout      all that report
"""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mer_di.cli.library import LibraryChoice, LibraryOption

if TYPE_CHECKING:
    from mer_di.datasets import Database
    from mer_di.labels import LabelScheme

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

cache_argument = click.argument("cache", type=click.Path(path_type=Path, dir_okay=False))
labels_option = click.option(
    "--labels",
    metavar="SCHEME",
    help="Make classes of emotions: a name from mer-di labels, or a TOML file. Default: every emotion is a class.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
apex_policy_option = click.option(
    "--apex-policy",
    cls=LibraryOption,
    of="mer_di.recipe:Recipe",
    help="Where an apex is missing, outside onset..offset, or leaves a phase of one frame: drop the sample, take the "
    "middle, or look for it in the frames.",
)
min_class_size_option = click.option(
    "--min-class-size",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Drop classes with fewer rows in the table; the paper uses 10.",
)
align_option = click.option(
    "--align",
    type=LibraryChoice("mer_di.recipe:Align"),
    help="By landmarks: not, once a clip, or in every frame. Default: none for registered faces, else similarity.",
)
landmark_model_option = click.option(
    "--landmark-model",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A dlib 5-point shape predictor in place of the bundled one.",
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
dask_option = click.option(
    "--dask", metavar="ADDRESS", help="Run on a Dask cluster instead, by its scheduler's address."
)


def together(*options: Decorator) -> Decorator:
    """Return one decorator that adds several options, in the order in which help lists them."""
    return lambda function: reduce(lambda decorated, option: option(decorated), reversed(options), function)


def database_options(default: str | None) -> Decorator:
    """Add the options that `load` takes.

    Parameters
    ----------
    default : str or None
        The database if none is named; None makes ``--dataset`` optional without a default.
    """
    return together(
        click.option("--dataset", default=default, show_default=True, help="A name from: mer-di datasets."),
        click.option(
            "--root",
            type=click.Path(path_type=Path),
            help="Where the database lies; for manifest the CSV or XLSX file, or with --table the folder of its paths. "
            "Default: $MER_DI_DATA/<dataset>.",
        ),
        click.option(
            "--table",
            type=click.Path(path_type=Path),
            help="The annotation table, where there are several or it lies elsewhere.",
        ),
        click.option(
            "--allow",
            type=click.Path(path_type=Path),
            multiple=True,
            metavar="FOLDER",
            help="A folder outside the manifest's own that its paths and links may lead into; may be repeated.",
        ),
        click.option(
            "--tree",
            help="Which frame tree, where a database has several: cropped, raw, hs, part_a; its page lists them.",
        ),
        click.option(
            "--corrections",
            default="released",
            show_default=True,
            help="Comma-separated sets of named corrections, or none.",
        ),
    )


def load(
    dataset: str, root: Path | None, table: Path | None, allow: tuple[Path, ...], tree: str | None, corrections: str
) -> "Database":
    """Load the database that the options of `database_options` name."""
    from mer_di.datasets import load_dataset

    sets = tuple(name.strip() for name in corrections.split(",") if name.strip() not in ("", "none"))
    return load_dataset(dataset, root, table=table, allow=allow, tree=tree, corrections=sets)


def chosen_scheme(name: str | None) -> "LabelScheme | None":
    """Read the label scheme that `labels_option` names, if it names one."""
    from mer_di.labels import read_scheme

    return None if name is None else read_scheme(name)


def report_corrections(database: "Database") -> None:
    """Tell on stderr which corrections were applied and how many findings there are."""
    for item in database.applied:
        click.echo(
            f"corrected {item.sample_id}: {item.field} {item.was} -> {item.now} ({item.why}; {item.source})", err=True
        )
    if database.findings:
        click.echo(f"{len(database.findings)} finding(s) about the files; see: mer-di check", err=True)
