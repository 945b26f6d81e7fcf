"""``mer-di doctor``."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from textwrap import indent
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mer_di.cli.options import json_option

if TYPE_CHECKING:
    from mer_di.inspection.environment import Environment, Trial


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Say what is installed, and what is missing for which command.

    Versions, threads, GPU, codecs, landmark model and data.

    Exit code 1 if the commands that need no extra cannot run.
    """
    from mer_di.inspection.environment import examine

    found = examine()
    click.echo(json.dumps({**asdict(found), "problems": found.problems}, indent=1) if as_json else _page(found))
    sys.exit(bool(found.problems))


def _page(found: "Environment") -> str:
    packages = [
        (name, trial.found or trial.problem, f"[{extra}]" if extra else "")
        for extra, names in found.packages.items()
        for name, trial in names.items()
    ]
    parts = [
        f"mer_di {found.mer_di}, Python {found.python}, {found.platform}",
        _section("Packages", packages),
        _section("Processors and threads", [(name, count or "-") for name, count in found.threads.items()]),
        _section("GPU", _trials(found.gpus)),
        _section("Codecs", _trials(found.codecs)),
        _section("Alignment", _trials({"landmark model": found.landmark_model})),
        _section("Data", [(name, place or "not set") for name, place in (found.data | found.databases).items()]),
        _section("Commands", _commands(found)),
    ]
    problems = [_section("What is wrong", [(problem,) for problem in found.problems])] if found.problems else []
    return "\n\n".join(parts + problems)


def _section(title: str, rows: Iterable[tuple[object, ...]]) -> str:
    return f"{title}\n{indent(tabulate(rows, tablefmt='plain', disable_numparse=True), '  ')}"


def _trials(trials: "dict[str, Trial]") -> list[tuple[str, str | None]]:
    return [(name, trial.found or trial.problem) for name, trial in trials.items()]


def _commands(found: "Environment") -> list[tuple[str, str]]:
    from mer_di.inspection.environment import PURPOSES

    rows = []
    for extra, purpose in PURPOSES.items():
        lacking = ", ".join(found.lacks(extra))
        package = f"mer_di[{extra}]" if extra else "mer_di"
        idle = extra == "cuda" and found.gpus["numba-cuda"].problem
        ready = "installed, but finds no GPU that it can use" if idle else "ready"
        rows.append((purpose, f"lacks {lacking}: pip install '{package}'" if lacking else ready))
    return rows
