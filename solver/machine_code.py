"""Functions compiled to machine code (numba), for what would take many passes over memory otherwise.

Importing one costs nothing: numba is imported, and the function compiled or read from numba's cache, when it is
first called. Types are written as numba reads them from text.

The cache is where NUMBA_CACHE_DIR says, beside the code, or in the user's home; where neither can be written it is a
directory of our own among the temporary files, and without one everything is compiled at each start.
"""

import os
import stat
import tempfile
from collections.abc import Callable
from functools import cached_property, partial, update_wrapper
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

# Columns to read from, and to write into.
COLUMN = "Array(int64, 1, 'C', readonly=True)"
SIDES = "Array(int8, 1, 'C', readonly=True)"
MASK = "Array(boolean, 1, 'C', readonly=True)"
ROWS = "Array(int64, 2, 'C', readonly=True)"
OUT = "int64[::1]"
TABLE = "int64[:, ::1]"
OUT_MASK = "boolean[::1]"
TWO = "UniTuple(int64, 2)"

_one_at_a_time = RLock()  # The first call of one function compiles the others that it calls.
_declared: list["_Compiled"] = []


class _Compiled:
    """Stands for a function whose machine code is made when it is wanted; a call of it costs 0.1 us more."""

    def __init__(self, function: Callable[..., Any], signature: str | None) -> None:
        self._function = function
        self._signature = signature
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        return self.machine_code(*arguments)

    @cached_property
    def machine_code(self) -> Any:
        from numba import njit  # noqa: PLC0415 - half a second that only those wait for who compute.

        with _one_at_a_time:
            if "machine_code" in self.__dict__:  # Another thread was faster.
                return self.__dict__["machine_code"]
            made = partial(njit, self._signature, nogil=True, error_model="numpy")
            try:
                return made(cache=True)(self._function)
            except RuntimeError:  # Numba finds no place for its cache: the code is not ours to write to, and no home.
                directory = _private_directory()
                _keep_in(directory)
                return made(cache=directory is not None)(self._function)

    @property
    def _numba_type_(self) -> Any:
        """How numba sees it in a function that calls it."""
        return self.machine_code._numba_type_


def _private_directory() -> Path | None:
    """A directory for temporary files that is ours alone, as what is kept there is run; None where there is none."""
    try:
        directory = Path(tempfile.gettempdir()) / f"commonwatt-{os.getuid()}-machine-code"
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return directory if is_ours and os.access(directory, os.W_OK) else None


def _keep_in(directory: Path | None) -> None:
    from numba.core import config  # noqa: PLC0415

    config.CACHE_DIR = "" if directory is None else str(directory)  # type: ignore[attr-defined]


def compiled(result: str | None = None, *arguments: str) -> Callable[[F], F]:
    """Machine code that runs without the interpreter's lock; kept in numba's cache between processes.

    `result` and `arguments` are the types it is compiled for; without them, those of its first call.
    """
    signature = None if result is None else f"{result}({', '.join(arguments)})"

    def declared(function: F) -> F:
        _declared.append(_Compiled(function, signature))
        return cast(F, _declared[-1])

    return declared


def load() -> None:
    """Compile what is declared, or read it from the cache, for a process that will need it and has time now."""
    for each in _declared:
        each.machine_code  # noqa: B018 - made by being asked for.
