"""Databases of micro-expressions: what is supported, and how to load what lies on disk.

Each database is a module of constants (`Spec`) and a `load`; it is imported when it is asked for. To add one, write
the module and enter its name below.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from mer_di.datasets.correction import SETS, Correction
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.errors import InputError

__all__ = [
    "SETS",
    "Correction",
    "Database",
    "Finding",
    "Published",
    "Spec",
    "Tree",
    "dataset_spec",
    "list_datasets",
    "load_dataset",
]

_NAMES = (
    "4dme",
    "cas_me_2",
    "cas_me_3",
    "casme",
    "casme2",
    "dfme",
    "manifest",
    "meview",
    "mmew",
    "samm",
    "samm_lv",
    "smic",
    "synthetic",
)
_MODULES = {"4dme": "fourdme"}  # a name of Python begins with a letter


class _Module(Protocol):
    SPEC: Spec

    def load(self, root: Path | None, choice: Choice) -> Database: ...


def list_datasets() -> tuple[str, ...]:
    """Return the names that `load_dataset` knows, sorted."""
    return _NAMES


def dataset_spec(name: str) -> Spec:
    """Return what is known of a database without having it.

    Raises
    ------
    InputError
        If the name is unknown.
    """
    return _module(name).SPEC


def load_dataset(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    tree: str | None = None,
    corrections: Sequence[str] = ("released",),
    table: str | os.PathLike[str] | None = None,
    allow: Sequence[str | os.PathLike[str]] = (),
) -> Database:
    """Load a database: its annotation table, joined with the clips on disk. No frame is decoded.

    Parameters
    ----------
    name : str
        One of `list_datasets`.
    root : path-like, optional
        The database's folder, or one of its frame trees; for ``manifest`` the table, or the folder that its paths
        start from if `table` names the table. By default ``$MER_DI_DATA/<name>``; ``synthetic`` is drawn instead.
    tree : str, optional
        Which of its frame trees to read, by a name in `Spec.trees`: ``cropped``, ``raw``. By default the first of
        these that is there.
    corrections : sequence of str
        Correction sets, keys of `SETS`; ``("none",)`` takes the table as it is.
    table : path-like, optional
        The annotation table, if there are several or it lies elsewhere.
    allow : sequence of path-like
        Folders outside a manifest's own that its paths, or links below them, may lead into.

    Returns
    -------
    Database
        Every row of the table is in `Database.samples`.

    Raises
    ------
    InputError
        If name, tree or a correction set is unknown, two sets contradict each other, or a folder is allowed to a
        database whose table holds no paths.
    DatasetNotFoundError
        If folder, table or frames are not there; the message says how to get them.
    AnnotationError
        If the table cannot be read without guessing, or a correction does not fit it.
    """
    place = None if root is None else Path(root)
    if allow and dataset_spec(name).trees:
        raise InputError(f"the table of {name} holds no paths, so no folder can be allowed to it; only manifest's does")
    named = None if table is None else Path(table).expanduser().absolute()
    chosen = Choice(tree, tuple(corrections), named, tuple(map(Path, allow)))
    return _module(name).load(place, chosen)


def _module(name: str) -> _Module:
    if name not in _NAMES:
        raise InputError(f"no dataset is called {name!r}; expected one of {', '.join(_NAMES)}")
    return cast("_Module", import_module(f"mer_di.datasets.{_MODULES.get(name, name)}"))
