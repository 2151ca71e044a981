"""Registers: what rooms bring to the tests of the whole house, found by its one list of rooms.

A room's rows lie in its own folder of tests, one file for each register that it has something for:

    world.py      `add_rows`: its rows in the world of all roles, and `name_rows` once all are there
    who_sees.py   `WHO_SEES`: who may see these rows, and what is asked to find out
    bad_input.py  `SECTIONS`: bad input and its answers; `set_scene` and `SETTINGS` for what they need beside the world
    crowd.py      `join`: fifty of everything
    tall.py       `TALL`: how its tables look after years
    reads.py      `READS`: what of it is not compiled, and what random operations find in it and ask for

What no room decided on fails by its name, its room and the file that is missing.
"""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from api.house import ROOMS

REGISTERS = ("world", "who_sees", "bad_input", "crowd", "tall", "reads")


def brought(register: str) -> Iterator[tuple[str, Any]]:
    """The modules of a register that are there, each with its room, lowest first."""
    for room in ROOMS:
        try:
            is_there = importlib.util.find_spec(f"tests.api.{room}.{register}")
        except ModuleNotFoundError:  # The room has no tests.
            continue
        if is_there:
            yield room, importlib.import_module(f"tests.api.{room}.{register}")


def file_of(room: str, register: str) -> str:
    """Where a room's rows of a register lie."""
    return f"tests/api/{room.replace('.', '/')}/{register}.py"


def room_of(thing: Any) -> str:
    """The room of a class, function or module, by where it is defined."""
    place = (getattr(thing, "__module__", None) or thing.__name__).split(".")[1:]
    names = [".".join(place[:depth]) for depth in range(len(place), 0, -1)]
    return next((name for name in names if name in ROOMS), names[-1])


def undecided(register: str, there: Mapping[str, str], decided: Mapping[str, str]) -> list[str]:
    """What is wrong with the decisions of a register. Both mappings give the room of each thing by its name."""
    missing = [
        f"{name} has no decision in {file_of(room, register)}" for name, room in there.items() if name not in decided
    ]
    left = [
        f"{name} is decided on in {file_of(room, register)}, but is not there"
        for name, room in decided.items()
        if name not in there
    ]
    return sorted(missing) + sorted(left)
