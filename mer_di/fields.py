"""Fields: values held against the types that their classes declare, whoever wrote them."""

import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from mer_di.errors import InputError


def require_fields(instance: Any) -> None:  # noqa: ANN401 - of any dataclass
    """Make sure that the fields of a dataclass are of the types that it declares.

    Parameters
    ----------
    instance : dataclass
        As it is in its ``__post_init__``.

    Raises
    ------
    InputError
        Naming the first field that is not, what it holds, and what was expected.
    """
    hints = get_type_hints(type(instance))
    found = _first(misfit(getattr(instance, f.name), hints[f.name], f.name) for f in fields(instance))
    if found:
        raise InputError(found)


def misfit(value: object, kind: Any, name: str) -> str | None:  # noqa: ANN401 - a type is no class
    """Return in what way a value is not of a type, or None if it is.

    Parameters
    ----------
    value : object
        As Python's json reads it, or as somebody wrote it in a program.
    kind : type
        A class, ``Literal``, a union, ``list``, ``tuple`` or ``dict`` of such, a dataclass or a TypedDict; the last two
        for a mapping with exactly its names. A bool is no number, a whole number is a float, and a float is finite.
    name : str
        What the value is called.

    Returns
    -------
    str or None
        ``size is 'large'; expected int or None``.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType) and any(misfit(value, option, name) is None for option in inner):
        return None
    if origin is tuple and isinstance(value, tuple):
        return _first(misfit(item, inner[0], f"{name}[{index}]") for index, item in enumerate(value))
    if origin is list and isinstance(value, list):
        return _first(misfit(item, inner[0], f"{name}[{index}]") for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return _first(misfit(item, inner[1], f"{name}[{key!r}]") for key, item in value.items())
    if (is_dataclass(kind) or is_typeddict(kind)) and isinstance(value, dict):
        return _names(value, kind, name)
    if _is_one(value, kind, inner if origin is Literal else None):
        return None
    return f"{name} is {_shown(value)}; expected {_called(kind)}"


def _names(value: dict[str, object], kind: Any, name: str) -> str | None:  # noqa: ANN401
    hints = get_type_hints(kind)
    other = sorted(map(str, hints.keys() ^ value.keys()))
    if other:
        return f"{name} and {kind.__name__} differ in {', '.join(other)}"
    return _first(misfit(item, hints[key], f"{name}.{key}") for key, item in value.items())


def _is_one(value: object, kind: Any, literals: tuple[object, ...] | None) -> bool:  # noqa: ANN401
    if literals is not None:
        return isinstance(value, str) and value in literals
    if kind is Any:
        return True
    if kind is float:
        largest = sys.float_info.max  # also below every whole number that no float can hold
        return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest
    if is_typeddict(kind):  # which answers no such question
        return False
    return isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _called(kind: Any) -> str:  # noqa: ANN401
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (Union, UnionType):
        return " or ".join(_called(option) for option in inner)
    if kind is float:
        return "a finite number"
    return "None" if kind is NoneType else getattr(kind, "__name__", str(kind))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _first(found: Iterable[str | None]) -> str | None:
    return next(filter(None, found), None)
