"""Markdown tables and blocks, and a folder for what is built to be looked at."""

import atexit
import re
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tabulate import tabulate


def block(text: str) -> str:
    """Return text as it is printed."""
    return f"```text\n{text}\n```"


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; columns of numbers stand to the right."""
    cells = [["" if cell is None else _cell(str(cell)) for cell in row] for row in rows]
    numeric = ["right" if _is_numeric(column) else "left" for column in zip(*cells, strict=True)]
    return tabulate(cells, headers, tablefmt="pipe", disable_numparse=True, colalign=numeric)


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|").replace("$", "\\$")


def _is_numeric(column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(re.fullmatch(r"-?[\d.]+", cell) for cell in filled)


@cache
def scratch() -> Path:
    """Return a folder that is removed when the build ends."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)
