"""``mer-di check``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mer_di.cli.options import apex_policy_option, database_options, json_option, load, min_class_size_option

if TYPE_CHECKING:
    from mer_di.inspection.doctor import Diagnosis
    from mer_di.phases import ApexPolicy


@click.command("check")
@database_options(default="synthetic")
@apex_policy_option
@min_class_size_option
@click.option("--decode", is_flag=True, help="Decode every frame too (videos always are).")
@json_option
def command(
    dataset: str,
    root: Path | None,
    table: Path | None,
    allow: tuple[Path, ...],
    tree: str | None,
    corrections: str,
    apex_policy: "ApexPolicy",
    min_class_size: int,
    decode: bool,
    as_json: bool,
) -> None:
    """Examine a database: table, counts and every unusable sample.

    Counts stand beside the published ones, and findings say what is odd in table and files. Exit code 1 if a sample is
    unusable.
    """
    from mer_di.inspection.doctor import examine

    database = load(dataset, root, table, allow, tree, corrections)
    diagnosis = examine(database, apex_policy=apex_policy, min_class_size=min_class_size, decode=decode)
    click.echo(json.dumps(asdict(diagnosis), indent=1) if as_json else _page(diagnosis))
    sys.exit(bool(diagnosis.unusable))


def _page(found: "Diagnosis") -> str:
    published = "" if found.published_samples is None else f" (published: {found.published_samples})"
    subjects = "" if found.published_subjects is None else f" (published: {found.published_subjects})"
    parts = [
        f"{found.dataset} in {found.root}, tree {found.tree or '-'}",
        f"table {found.table or '-'}, version {found.table_version}, sha256 {found.table_sha256}",
        f"{found.samples} samples{published}, {found.subjects} subjects{subjects}, {found.usable} usable",
        tabulate(found.classes, headers="keys", missingval="-"),
        _section("Corrections applied", found.corrections),
        _section("Findings", found.findings),
        _section("Unusable samples", found.unusable),
    ]
    if found.unusable:
        parts.append("Unusable by reason: " + ", ".join(f"{n} {kind}" for kind, n in found.reasons.items()))
    return "\n\n".join(part for part in parts if part)


def _section(title: str, rows: list[dict[str, str]]) -> str:
    return f"{title}\n{tabulate(rows, headers='keys')}" if rows else ""
