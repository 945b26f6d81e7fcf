"""The page of a table that was run again: the papers' numbers beside ours, at a glance."""

import os
from typing import TYPE_CHECKING, Any

from mer_di.origin import SYNTHETIC
from mer_di.report import plots
from mer_di.report.page import write_page

if TYPE_CHECKING:
    from mer_di.experiments.reproduction import Reproduction


def write_reproduction_report(found: "Reproduction", out: str | os.PathLike[str]) -> None:
    """Write the page of a reproduction.

    Parameters
    ----------
    found : Reproduction
        From `mer_di.experiments.reproduction.reproduce`.
    out : path-like
        The HTML file, self-contained; a former page is replaced.

    Raises
    ------
    OSError
        If the page cannot be written.
    """
    write_page(out, "reproduction", _content(found))


def _content(found: "Reproduction") -> dict[str, Any]:
    ran = [row.results for row in found.rows if row.results]
    return {
        "title": f"{found.table.title}, {found.dataset}",
        "found": found,
        "figure_of_rows": plots.reproduced(found, 1 / len(ran[0].classes) if ran else None),
        "synthetic": found.dataset.startswith(SYNTHETIC),
        "controlled": any(row.control for row in found.rows),
        "printed": [row.row for row in found.rows if found.dataset in row.row.paper],
        "rule": ran[0].validation["rule"] if ran else "",
    }
