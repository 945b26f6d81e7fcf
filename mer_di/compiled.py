"""Machine code that is kept on disk, whoever compiles it first."""

# numba makes some of its names at run time:
# mypy: disable-error-code="attr-defined"

from types import FunctionType
from typing import Any, Literal

import numba
from numba import types


def compiled(function: Any, name: str, *arguments: Any) -> Any:  # noqa: ANN401 - numba's types have no stubs
    """Compile a copy of a function for one signature that returns nothing, under a name of its own.

    In numba's file cache, the signatures of one function are numbered in the order of their compilation. Of two
    processes that compile different ones at the same moment, both take the same number, and a later process
    may load the machine code of one under the signature of the other. One function a signature cannot.
    """
    copy = FunctionType(function.__code__, function.__globals__)
    copy.__qualname__ = name
    signature = types.void(*arguments)
    try:
        return numba.njit(signature, nogil=True, cache=True)(copy)
    except RuntimeError:  # nowhere to write a cache: compile in every process
        return numba.njit(signature, nogil=True)(copy)


def array(dtype: str, dimensions: int, *, readonly: bool = False, layout: Literal["C", "A"] = "C") -> Any:  # noqa: ANN401
    """Return numba's type of an array; layout ``A`` takes any strides."""
    return types.Array(getattr(types, dtype), dimensions, layout, readonly=readonly)
