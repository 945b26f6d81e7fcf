"""``mer-di reproduce``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from mer_di.cli.library import LibraryChoice
from mer_di.cli.options import align_option, database_options, json_option, load, report_corrections
from mer_di.cli.training_options import FoldBar, SeedsCommand, fold_executor, fold_options, spread
from mer_di.experiments.tables import TABLES, load_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mer_di.experiments.reproduction import ReproducedRow, Reproduction
    from mer_di.experiments.tables import Row


@click.command("reproduce", cls=SeedsCommand)
@click.argument("which", metavar="|".join(TABLES), type=click.Choice(TABLES))
@database_options(default="synthetic")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of caches and runs, shared by the tables. Default: reproduction-<dataset>.",
)
@align_option
@click.option("--min-class-size", type=click.IntRange(1), help="Drop classes with fewer rows. Default: the paper's 10.")
@click.option("--epochs", type=click.IntRange(1), help="Instead of the paper's 50.")
@click.option("--batch-size", type=click.IntRange(2), help="Instead of the paper's 32.")
@click.option("--lr", "learning_rate", type=float, help="Instead of the paper's 1e-4.")
@click.option("--size", type=click.IntRange(1), help="DIANet's input instead of the paper's 224.")
@click.option("--backbone", help="DIANet's backbone instead of efficientnetv2, except in the rows of table2.")
@click.option("--no-pretrained", is_flag=True, help="Start DIANet's backbones at random.")
@click.option(
    "--precision",
    type=LibraryChoice("mer_di.learning.train_config:Precision"),
    help="Of training steps, instead of float32.",
)
@click.option(
    "--subjects",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A table (subject, gender) for GEME; without, it learns the classes alone.",
)
@click.option("--control", is_flag=True, help="Run every row with shuffled labels as well.")
@click.option(
    "--page", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows as a figure to this HTML file."
)
@fold_options
@json_option
def command(
    which: str,
    dataset: str,
    root: Path | None,
    table: Path | None,
    allow: tuple[Path, ...],
    tree: str | None,
    corrections: str,
    out: Path | None,
    jobs: int | None,
    dask: str | None,
    device: str,
    audit_leakage: bool,
    as_json: bool,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    size: int | None,
    backbone: str | None,
    no_pretrained: bool,
    precision: str | None,
    subjects: Path | None,
    page: Path | None,
    **options: Any,  # noqa: ANN401 - align, min_class_size, control, validation, seeds
) -> None:
    """Run a table and print the papers' numbers beside ours.

    An interrupted run is resumed by the same command. Exit code 1 if a row that is implemented could not run.
    """
    from mer_di.datasets.subjects import read_genders
    from mer_di.executors import local
    from mer_di.experiments.reproduction import Overrides, reproduce

    out = out or Path(f"reproduction-{dataset}")
    write_page = _writer(page, out) if page else None
    database = load(dataset, root, table, allow, tree, corrections)
    report_corrections(database)
    training = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "precision": precision}
    model = {"size": size, "backbone": backbone, "weights": "random" if no_pretrained else None}
    with local("threads", jobs) as builders, fold_executor(jobs, dask, device) as trainers:
        found = reproduce(
            load_table(which),
            database,
            out,
            overrides=Overrides(_given(model), _given(training)),
            genders=read_genders(subjects) if subjects else None,
            audit=audit_leakage,
            device=device,
            builders=builders,
            trainers=trainers,
            on_run=lambda row: FoldBar(f"{row.method}, {row.input}"),
            **options,
        )
    click.echo(json.dumps(asdict(found), indent=1) if as_json else _page(found))
    if write_page:
        write_page(found)
    sys.exit(any(row.row.run and row.problem for row in found.rows))


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _writer(page: Path, out: Path) -> "Callable[[Reproduction], None]":
    """Ask for what a page needs, and for its place, before hours of training."""
    from mer_di.report import write_reproduction_report
    from mer_di.report.page import require_place

    require_place(page, out)

    def write(found: "Reproduction") -> None:
        write_reproduction_report(found, page)
        click.echo(f"-> {page}", err=True)

    return write


def _page(found: "Reproduction") -> str:
    controlled = any(row.control for row in found.rows)
    headers = ("input", "method", "layers", "paper %", "ours %", *(["shuffled %"] if controlled else []))
    headers += ("N ours", "UF1", "UAR", "")
    rows = [_row(row, found, controlled=controlled) for row in found.rows]
    lines = [f"{found.table.title}, {found.dataset}", "", tabulate(rows, headers=headers, disable_numparse=True), ""]
    lines.append(f"ours: {_kind(found)}; UF1 and UAR in percent")
    printed = [row.row for row in found.rows if found.dataset in row.row.paper]
    if printed:
        headers = ("method", "paper %", "N implied", "classes", "protocol", "epoch kept by", "")
        numbers = [_number(row, found.dataset) for row in printed]
        lines += ["", "Where the paper's numbers come from", ""]
        lines += [tabulate(numbers, headers=headers, disable_numparse=True), ""]
        lines.append("No paper prints an N; implied is the one of which the percentage is a fraction.")
    if any(row.copied for row in printed):
        lines.append("copied: the paper took this number from another publication, with its own protocol and samples.")
    if not printed:
        lines.append(f"The paper has no numbers for {found.dataset}.")
    if found.departures:
        lines.append(f"* NOT the paper's setting: {'; '.join(found.departures)}")
    lines += [f"{row.row.method}: {row.problem}" for row in found.rows if row.row.run and row.problem]
    return "\n".join(lines)


def _row(row: "ReproducedRow", found: "Reproduction", *, controlled: bool) -> tuple[str, ...]:
    ours, stated = row.results, row.row.paper.get(found.dataset)
    remarks = list(row.departures)
    if row.problem:
        remarks.append(row.problem if row.row.run is None else "could not run, see below")
    if ours and ours.audit:
        remarks.append(f"best epoch on test: {ours.audit['inflation_points']:+.1f} points")
    return (
        row.row.input,
        row.row.method,
        row.row.layers,
        "-" if stated is None else f"{stated:.2f}",
        "-" if ours is None else spread(ours, "accuracy") + ("*" if found.departures else ""),
        *(["-" if row.control is None else spread(row.control, "accuracy")] if controlled else []),
        "-" if ours is None else str(ours.n),
        "-" if ours is None else f"{100 * ours.seeds['uf1']['mean']:.1f}",
        "-" if ours is None else f"{100 * ours.seeds['uar']['mean']:.1f}",
        "; ".join(remarks),
    )


def _number(row: "Row", dataset: str) -> tuple[str, ...]:
    return (
        row.method,
        f"{row.paper[dataset]:.2f}",
        str(row.implied.get(dataset, "-")),
        str(row.classes.get(dataset, "-")),
        row.protocol,
        row.selection,
        "; ".join([*(["copied"] if row.copied else []), *([row.source] if row.source else [])]),
    )


def _kind(found: "Reproduction") -> str:
    ours = next((row.results for row in found.rows if row.results), None)
    if ours is None:
        return "nothing ran"
    seeds = len(ours.seeds["values"])
    how = f"mean ± sd of {seeds} seeds" if seeds > 1 else "accuracy [95 % interval, bootstrap over subjects]"
    return f"{how}, leave-one-subject-out, validation {ours.validation['rule']}"
