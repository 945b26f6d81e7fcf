"""Arguments: what somebody hands a function, taken for what it is or refused."""

import operator
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.errors import InputError

_PLAIN = (np.ndarray, np.memmap)


def plain_array(name: str, value: object) -> NDArray[Any]:
    """Return a value as an array, if its numbers are all that it means.

    Parameters
    ----------
    name : str
        What the value is called.
    value : array_like
        An array is returned as it is; lists, tuples and arrays of other libraries become one.

    Returns
    -------
    ndarray of bool, int or float
        Of any shape.

    Raises
    ------
    InputError
        If there are no such numbers (None, texts, objects, complex numbers, rows of unequal length, sparse arrays), or
        more than numbers: a mask, gradients, or whatever else a subclass of ndarray stands for.
    """
    _require_no_more(name, value)
    try:
        array = np.asarray(value)
    except Exception as error:  # foreign arrays refuse in their own ways, with their own advice
        raise InputError(f"{name}: found a {type(value).__name__} that is no plain array ({error})") from error
    if array.dtype.kind not in "biuf":
        found = f"a {type(value).__name__} that becomes an array of {array.dtype} of shape {array.shape}"
        raise InputError(f"{name}: found {found}; expected integers or floats")
    return array


def texts(name: str, value: object) -> NDArray[np.str_]:
    """Return names, such as those of subjects, as an array of text of shape (N,).

    Raises
    ------
    InputError
        If they are no list of such, or more than that: an array with a mask, or another subclass of ndarray.
    """
    _require_no_more(name, value)
    try:
        array = np.asarray(value, dtype=str)
    except Exception as error:  # as above
        raise InputError(f"{name}: found a {type(value).__name__} that is no array of names ({error})") from error
    if array.ndim != 1:
        raise InputError(f"{name}: found a {type(value).__name__} of shape {array.shape}; expected names (N,)")
    return array


def items(name: str, value: Iterable[Any]) -> Iterator[Any]:
    """Iterate over a value, or refuse what cannot be iterated over."""
    try:
        return iter(value)
    except TypeError as error:
        raise InputError(
            f"{name}: found a {type(value).__name__}; expected an array, or one item after another"
        ) from error


def is_on_gpu(name: str, value: object) -> bool:
    """Tell whether a value is an array on a GPU; refuse one that carries gradients."""
    try:
        return hasattr(value, "__cuda_array_interface__")
    except RuntimeError as error:
        raise InputError(f"{name}: found a {type(value).__name__} that is no plain array ({error})") from error


def whole_number(name: str, value: object, at_least: int | None = None) -> int:
    """Return an integer, or refuse what is none, or too small."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_) or (at_least is not None and number < at_least):
        bound = "" if at_least is None else f" of at least {at_least}"
        raise InputError(f"{name} is {value!r}; expected an integer{bound}")
    return number


def one_of(name: str, value: object, allowed: Collection[str]) -> None:
    """Refuse what is not one of some names."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(allowed)}")


def _require_no_more(name: str, value: object) -> None:
    """Refuse arrays that mean more than what is in them."""
    for part in _parts(value):
        if isinstance(part, np.ndarray) and type(part) not in _PLAIN:
            kind = f"{type(part).__module__}.{type(part).__name__}"
            raise InputError(
                f"{name}: found a {kind}, which means more than its numbers; expected a plain array: decide what the "
                "rest of it stands for, then give numpy.array(x) of what is left"
            )


def _parts(value: object) -> Iterator[object]:
    """Yield what lists and tuples hold, however deep: numpy takes the data of a masked array in a list, and no more."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from _parts(part)
    else:
        yield value
