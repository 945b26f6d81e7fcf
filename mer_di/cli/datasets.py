"""``mer-di datasets``."""

import json
from dataclasses import asdict

import click
from tabulate import tabulate

from mer_di.cli.options import json_option


@click.command("datasets")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the databases that can be read, and where to ask for them.

    With NAME, show the folder tree that is expected of that database and what to cite as well.
    """
    from mer_di.datasets import dataset_spec, list_datasets

    specs = [dataset_spec(each) for each in ([name] if name else list_datasets())]
    if as_json:
        click.echo(json.dumps([asdict(spec) for spec in specs], indent=1, default=str))
        return
    rows = [(s.name, s.title, s.n_samples or "", s.n_subjects or "", s.request_url) for s in specs]
    click.echo(tabulate(rows, ("name", "database", "samples", "subjects", "where to ask for it")))
    if name:
        click.echo(f"\nExpected under --root or $MER_DI_DATA/{name}:\n\n{specs[0].layout}\n\nCite: {specs[0].citation}")
