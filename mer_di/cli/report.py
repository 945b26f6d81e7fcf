"""``mer-di report``."""

from pathlib import Path

import click

from mer_di.cli.options import chosen_scheme, labels_option
from mer_di.cli.picture_options import no_frames_option


@click.command("report")
@click.argument("target", metavar="CACHE_OR_RUN", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page. Default: RUN_DIR/report.html, or beside the cache under its name.",
)
@click.option(
    "--cache",
    "caches",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A cache of the run, for its pictures; once for each. Default: looked for in RUN_DIR and three folders above.",
)
@labels_option
@no_frames_option
def command(target: Path, out: Path | None, caches: tuple[Path, ...], labels: str | None, no_frames: bool) -> None:
    """Write one HTML page about a cache or a finished run.

    It opens from disk and needs no network.
    """
    from mer_di.report import write_cache_report, write_run_report

    if target.is_dir():
        if labels:
            raise click.UsageError("--labels is for the page of a cache; a run has the classes that it was trained on")
        page = out or target / "report.html"
        write_run_report(target, page, caches or None, frames=not no_frames)
    elif caches:
        raise click.UsageError("--cache names the caches of a run; the page of a cache needs none")
    else:
        page = out or target.with_suffix(".html")
        write_cache_report(target, page, scheme=chosen_scheme(labels), frames=not no_frames)
    click.echo(f"{page}: {page.stat().st_size / 1e6:.1f} MB" if page.is_file() else f"-> {page}")
