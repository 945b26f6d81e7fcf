"""A label scheme: for every database, which emotion belongs to which class, and which belong to none.

A scheme is a TOML file::

    title = "three classes"                          # in a line
    source = "who defined it"
    column = "emotion"                               # or "objective_class": what of a cache is mapped

    [databases.casme2]
    left_out = ["others", "fear"]                    # belong to no class

    [databases.casme2.classes]
    negative = ["disgust", "repression"]             # a class, and what belongs to it
    positive = ["happiness"]

    [databases.casme2.without]                       # samples that are left out by name, and why
    "sub04/EP12_01f" = "has no apex in the table"

    [databases.casme2.published]                     # samples a class, where the source states them
    negative = 88

The last two may be missing. What a database may hold and the scheme does not name is an error when it is met.
"""

import hashlib
import json
import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from mer_di.errors import InputError
from mer_di.fields import misfit

Column = Literal["emotion", "objective_class"]

_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class DatabaseLabels:
    """What a scheme says of one database.

    Attributes
    ----------
    classes : dict of str to list of str
        Class to what belongs to it, as the cache spells it.
    left_out : list of str
        What belongs to no class.
    without : dict of str to str
        Samples that are left out by their id, and why.
    published : dict of str to int
        Samples a class, where the scheme's source states them.
    """

    classes: dict[str, list[str]]
    left_out: list[str] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)

    @property
    def class_of(self) -> dict[str, str | None]:
        """What the cache spells, to its class; None for what belongs to none."""
        named = {written: name for name, members in self.classes.items() for written in members}
        return dict.fromkeys(self.left_out) | named


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """Classes in common for the samples of one or several databases.

    Attributes
    ----------
    name : str
        Of a scheme that ships with the library; of another, its file's.
    title, source : str
        What it is, and who defined it.
    column : {"emotion", "objective_class"}
        Which column of a cache is mapped.
    databases : dict of str to DatabaseLabels
        By the names that caches give their databases.
    """

    name: str
    title: str
    source: str
    column: Column
    databases: dict[str, DatabaseLabels]

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of what is mapped, and of nothing that is only said about it."""
        rules = {
            name: {"classes": database.class_of, "without": sorted(database.without)}
            for name, database in self.databases.items()
        }
        text = json.dumps({"column": self.column, "databases": rules}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class of every database, sorted."""
        return tuple(sorted({name for database in self.databases.values() for name in database.classes}))


def list_schemes() -> tuple[str, ...]:
    """Return the names of the schemes that ship with the library, sorted."""
    return tuple(sorted(Path(file.name).stem for file in files("mer_di.labels").iterdir() if _is_scheme(file.name)))


def scheme_text(name: str | os.PathLike[str]) -> str:
    """Return the TOML of a scheme.

    Parameters
    ----------
    name : str or path-like
        One of `list_schemes`, or a file. Of a file that is called like one of them, give the suffix too.

    Raises
    ------
    InputError
        If there is neither.
    """
    if str(name) in list_schemes():
        return files("mer_di.labels").joinpath(f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(
            f"no label scheme is called {str(name)!r}, and no file; expected one of {', '.join(list_schemes())}, or a "
            "TOML file of your own. 'mer-di labels NAME' prints one to begin with"
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no label scheme: not in UTF-8 ({error})") from error


def read_scheme(name: str | os.PathLike[str]) -> LabelScheme:
    """Read a label scheme.

    Parameters
    ----------
    name : str or path-like
        See `scheme_text`.

    Returns
    -------
    LabelScheme

    Raises
    ------
    InputError
        If there is none, or it contradicts itself.
    """
    where = f"the label scheme {name}"
    try:
        found = tomllib.loads(scheme_text(name))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is no TOML: {error}") from error
    _require(found, {"title": str, "source": str, "column": Column, "databases": dict[str, dict[str, Any]]}, where)
    databases = {key: _database(values, f"{where}, database {key!r}") for key, values in found["databases"].items()}
    if not databases:
        raise InputError(f"{where} names no database; expected a table such as [databases.casme2.classes]")
    return LabelScheme(Path(name).stem, found["title"], found["source"], found["column"], databases)


def _database(values: dict[str, Any], where: str) -> DatabaseLabels:
    optional: dict[str, Any] = {"left_out": [], "without": {}, "published": {}}
    kinds = {
        "classes": dict[str, list[str]],
        "left_out": list[str],
        "without": dict[str, str],
        "published": dict[str, int],
    }
    _require(optional | values, kinds, where)
    database = DatabaseLabels(**values)
    times = Counter([*database.left_out, *(name for members in database.classes.values() for name in members)])
    twice = sorted(name for name, count in times.items() if count > 1)
    if twice:
        raise InputError(f"{where} names {', '.join(map(repr, twice))} twice; expected one class, or left_out")
    strange = sorted(database.published.keys() - database.classes.keys())
    if strange:
        raise InputError(f"{where} publishes counts of {', '.join(map(repr, strange))}, which are none of its classes")
    return database


def _require(values: Mapping[str, Any], kinds: Mapping[str, Any], where: str) -> None:
    """Make sure that a table has exactly these keys, of these types."""
    for key in sorted(values.keys() | kinds.keys()):
        if key not in kinds:
            raise InputError(f"{where} has a key {key!r}; expected of {', '.join(kinds)}")
        if key not in values:
            raise InputError(f"{where} lacks the key {key!r}; it has {', '.join(values) or 'none'}")
        problem = misfit(values[key], kinds[key], key)
        if problem:
            raise InputError(f"{where}: {problem}")


def _is_scheme(file_name: str) -> bool:
    return file_name.endswith(_SUFFIX)
