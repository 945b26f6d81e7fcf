"""``mer-di compare``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mer_di.cli.options import json_option

if TYPE_CHECKING:
    from mer_di.evaluation.significance import PairedTests


@click.command("compare")
@click.argument("a", metavar="RUN_A", type=click.Path(path_type=Path, file_okay=False))
@click.argument("b", metavar="RUN_B", type=click.Path(path_type=Path, file_okay=False))
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page about both as well.")
@json_option
def command(a: Path, b: Path, page: Path | None, as_json: bool) -> None:
    """Test whether one of two runs on the same samples is better.

    In pairs: McNemar's exact test over samples, Wilcoxon's signed-rank test over subjects.
    """
    from mer_di.evaluation.run import Run
    from mer_di.evaluation.significance import compare_runs

    found = compare_runs(Run(a), Run(b))
    if page:
        from mer_di.report import write_comparison_report

        write_comparison_report(a, b, page)
    click.echo(json.dumps(asdict(found), indent=1) if as_json else _lines(found, a, b))


def _lines(found: "PairedTests", a: Path, b: Path) -> str:
    difference = 100 * (found.accuracy_b - found.accuracy_a)
    return "\n".join(
        (
            f"{a}: accuracy {100 * found.accuracy_a:.1f} %",
            f"{b}: accuracy {100 * found.accuracy_b:.1f} % ({difference:+.1f} points)",
            f"McNemar, exact, over {found.n} samples: {found.only_a} right in the first alone, {found.only_b} in the "
            f"second alone, p = {found.mcnemar_p:.3g}",
            f"Wilcoxon over {found.n_subjects} subjects: p = {found.wilcoxon_p:.3g}",
        )
    )
