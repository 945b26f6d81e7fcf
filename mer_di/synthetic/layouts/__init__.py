"""Where each database keeps its clips and how it names them, as its owners distribute it: a module a database."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from mer_di.errors import InputError
from mer_di.synthetic.layouts.layout import Entry, Layout

__all__ = ["LAYOUTS", "Entry", "Layout", "find_layout"]

LAYOUTS: Final = (
    "casme2",
    "samm",
    "mmew",
    "smic",
    "casme",
    "cas_me_2",
    "cas_me_3",
    "dfme",
    "samm_lv",
    "4dme",
    "meview",
)
_MODULES: Final = {"4dme": "fourdme"}  # a name of Python begins with a letter


def find_layout(name: str, tree: str | None = None) -> Layout:
    """Return a layout by name.

    Parameters
    ----------
    name : str
        One of `LAYOUTS`.
    tree : str or None
        Which of the database's frame trees; the most used one unless named.

    Raises
    ------
    InputError
        If there is no such layout, or it has no such tree.
    """
    if name not in LAYOUTS:
        raise InputError(f"layout is {name!r}; expected one of {', '.join(LAYOUTS)}")
    trees: Mapping[str, Layout] = import_module(f"mer_di.synthetic.layouts.{_MODULES.get(name, name)}").TREES
    if tree is None:
        return next(iter(trees.values()))
    if tree not in trees:
        raise InputError(f"the layout {name} has no frame tree {tree!r}; expected {', '.join(trees)}")
    return trees[tree]
