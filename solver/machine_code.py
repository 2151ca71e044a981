"""Functions compiled to machine code (numba), for what would take many passes over memory otherwise."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types

F = TypeVar("F", bound=Callable[..., Any])

# Columns to read from, and to write into.
COLUMN = types.Array(types.int64, 1, "C", readonly=True)
SIDES = types.Array(types.int8, 1, "C", readonly=True)
MASK = types.Array(types.boolean, 1, "C", readonly=True)
OUT = types.int64[::1]
OUT_MASK = types.boolean[::1]
TWO: Any = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]


def compiled(signature: Any = None) -> Callable[[F], F]:
    """Machine code that runs without the interpreter's lock; kept in numba's cache between processes.

    With a signature it is compiled, or read from the cache, when its module is imported; else when first called.
    """
    return cast(Callable[[F], F], njit(signature, cache=True, nogil=True, error_model="numpy"))
