"""Tables as data: what each row reports, under which protocol, and which run repeats it."""

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

from mer_di.errors import InputError

PAPER_TABLES = ("table1", "table2", "table3", "table4")
TABLES = (*PAPER_TABLES, "relatives")

UNKNOWN = "unknown"

Layers = Literal["paper", "authors", "reconstruction", "ours"]
"""Where the layers of our row come from: the paper's text, its authors' program, what little is known, or nobody's."""


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
    layers : {"paper", "authors", "reconstruction", "ours"}
        Of the network that runs here.
    run : RunSettings or None
        What repeats the row; None where it cannot be repeated.
    missing : str or None
        Why it cannot.
    copied : bool
        Whether the paper took the number from elsewhere: another protocol, other samples.
    classes, implied : dict of str to int
        Database to the number of classes, and of samples that the percentage implies; without one that is unknown.
    protocol, selection : str
        Who was held out, and which epoch was kept, to get the printed number.
    source : str
        Where all that is said of the number comes from, if not from the paper of the table.
    """

    input: str
    method: str
    paper: dict[str, float]
    layers: Layers
    run: RunSettings | None = None
    missing: str | None = None
    copied: bool = False
    classes: dict[str, int] = field(default_factory=dict)
    implied: dict[str, int] = field(default_factory=dict)
    protocol: str = UNKNOWN
    selection: str = UNKNOWN
    source: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper, or of methods that were published since.

    Attributes
    ----------
    name, title : str
    rows : tuple of Row
    samples : dict of str to int
        Database to the number of samples that the percentages of DIANet's paper imply.
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
    """Return a table.

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
    paper, table, settings = _read("paper"), _read(name), load_runs()
    own = paper["own"] | {"implied": paper["samples"]}

    def row(of: dict[str, Any]) -> Row:
        of = of if of.get("copied") else own | of
        return Row(**of | {"run": settings[of["run"]] if "run" in of else None})

    return Table(name, table["title"], tuple(map(row, table["rows"])), paper["samples"], paper["min_class_size"])


def load_runs() -> dict[str, RunSettings]:
    """Return every run that a row of the tables needs, by name."""
    return {name: _settings(name, **parts) for name, parts in _read("runs").items()}


def _settings(name: str, **parts: dict[str, Any]) -> RunSettings:
    plain = {
        part: {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        for part, values in parts.items()
    }
    return RunSettings(name, **plain)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("mer_di.experiments").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
