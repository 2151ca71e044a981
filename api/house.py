"""The house: the one list of its rooms, lowest first.

A room is a folder of `api` with the same name in `domain` (and in `solver`, where there is anything to solve). Its
`room.py` declares what it adds (`api.graphql.rooms`); its `jobs.py`, where there is one, registers what workers do.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.graphql.rooms import Room

# Each may import only from those before it, and those in one line not from each other: import-linter checks it.
ROOMS = (
    "graphql",
    "identity",
    "jobs",
    *("audit", "ledger", "geography"),
    "metering",
    "communities",
    "grid",
    "sharing",
    "aggregates",
    "market.places",
    "market.orders",
    "market.clearing",
    *("market.prices", "market.delivery"),
    *("market.auctions", "market.rules", "market.statements"),
    "market.view",
    *("notifications", "engagement"),
    "failures",
)


def rooms() -> Iterator["Room"]:
    """What each room declares, lowest first."""
    for name in ROOMS:
        room: Room = importlib.import_module(f"api.{name}.room").ROOM
        yield room


def load_jobs() -> None:
    """Import the `jobs.py` of every room that has one: it registers job functions and periodic work."""
    for name in ROOMS:
        module = f"api.{name}.jobs"
        if importlib.util.find_spec(module):
            importlib.import_module(module)
