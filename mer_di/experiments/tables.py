"""The paper's tables as data: what each row reports, and which run repeats it."""

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from mer_di.errors import InputError

TABLES = ("table1", "table2", "table3", "table4")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run differs from the defaults, which are the paper's setting.

    Attributes
    ----------
    name : str
    model, training, recipe : dict
        Fields of `ModelConfig`, `TrainConfig` and `Recipe`.
    """

    name: str
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    input, method : str
        As the paper names them.
    paper : dict of str to float
        Database to the accuracy that the paper prints, in percent.
    run : RunSettings or None
        What repeats the row; None where it cannot be repeated.
    missing : str or None
        Why it cannot.
    copied : bool
        Whether the paper took the number from elsewhere: another protocol, other samples.
    """

    input: str
    method: str
    paper: dict[str, float]
    run: RunSettings | None = None
    missing: str | None = None
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper.

    Attributes
    ----------
    name, title : str
    rows : tuple of Row
    samples : dict of str to int
        Database to the number of samples that the paper's percentages imply.
    min_class_size : int
        Emotions with fewer samples are left out.

    References
    ----------
    Khuong et al., DIANet, 2025, §3.1 and Tables 1-4.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    samples: dict[str, int]
    min_class_size: int


def load_table(name: str) -> Table:
    """Return one of the paper's tables.

    Parameters
    ----------
    name : str
        One of `TABLES`.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If there is no such table.
    """
    if name not in TABLES:
        raise InputError(f"no table is called {name!r}; expected one of {', '.join(TABLES)}")
    paper, runs, table = (_read(part) for part in ("paper", "runs", name))
    settings = {key: RunSettings(key, **values) for key, values in runs.items()}
    rows = tuple(Row(**{**row, "run": settings[row["run"]] if "run" in row else None}) for row in table["rows"])
    return Table(name, table["title"], rows, paper["samples"], paper["min_class_size"])


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("mer_di.experiments").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
