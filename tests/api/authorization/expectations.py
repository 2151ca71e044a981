"""Who may see what, of all rooms: for each kind of row, which rows of the world each role sees, and nothing else.

This is written down a second time, by hand, on purpose: in the `who_sees.py` of each room.
"""

from collections.abc import Mapping
from typing import Any

from tests.api import registers
from tests.api.authorization.decisions import Followed, Given, WhoSees
from tests.api.authorization.people import ROOT, Seen

REGISTER = "who_sees"
DECISIONS: dict[str, WhoSees] = {room: module.WHO_SEES for room, module in registers.brought(REGISTER)}


def decided(part: str) -> dict[Any, str]:
    """The room of everything that a part of the decisions speaks of."""
    return {name: room for room, decisions in DECISIONS.items() for name in getattr(decisions, part)}


def _together(part: str) -> dict[Any, Any]:
    """What all rooms decide, by name. Nothing is decided on twice, but a room may add rows to another's kind."""
    found: dict[Any, Any] = {}
    for room, decisions in DECISIONS.items():
        for name, decision in getattr(decisions, part).items():
            before = found.get(name)
            found[name] = decision if before is None else _with_more_rows(name, before, decision, room)
    return found


def _with_more_rows(name: Any, before: Any, more: Any, room: str) -> Any:
    is_more = isinstance(more, dict) and isinstance(before, dict) and not before.keys() & more.keys()
    assert is_more, f"{name} is decided on once more in {registers.file_of(room, REGISTER)}"
    return before | more


EXPECTED: dict[str, Seen] = _together("expected")
NARROWER: dict[str, Seen] = _together("narrower")
COMPUTED: dict[str, Any] = _together("computed")
REVIEWED = decided("reviewed")
FILTERS: dict[tuple[str, str], Any] = _together("filters")
SUBSCRIPTIONS: dict[str, Followed] = _together("subscriptions")
MUTATIONS: dict[str, Given] = _together("mutations")
LET_IN: dict[tuple[str, str | None], frozenset[str]] = _together("let_in")
READ = decided("read")
SIGNED: dict[str, Mapping[str, Any]] = _together("signed")
NOT_EVEN_ROOT = decided("not_even_root")


def may_see(role: str, entity: str, name: str) -> bool:
    """Whether a role sees a row of the world. Raises KeyError for a kind or a row that nobody has decided on."""
    if role in ROOT and entity not in NOT_EVEN_ROOT:
        return True
    seen = EXPECTED[entity]
    return role in (seen["*"] if "*" in seen else seen[name])
