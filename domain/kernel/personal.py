"""Personal data: each room says beside its tables which of their rows and columns concern a person.

Export, erasure and retention derive from that. A table that nobody declared, although it leads to a person, fails by
its name in `tests/domain/kernel/test_personal.py`.

Decision, 2026-11-30: what is declared is how a row leads to a person, because by that it is found for an export and for
an erasure; of such a row every column concerns the person, unless the row is somebody's act about something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel.rooms import modules_named


@dataclass(frozen=True, slots=True)
class Personal:
    """What of a table concerns a person.

    of: columns that hold the key of the person, of something of theirs (a member, a metering point, an order), or their
    own texts; all of such a row is theirs. by: columns that tell who did something; the rest of the row is not theirs.
    kept: why the row outlives an erasure; None where it goes.
    """

    of: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    kept: str | None = None


BOOKS = "books are kept ten years (art. 16 Code de commerce, art. 2220 Codice civile)"
METERED = "what was metered is settled and allocated by, and belongs to the point when its holder has gone"
PROOF = "it is hash-chained: taking it out would show as tampering"
DUTY = "an operator's act is public, and answered for"


def declared() -> Mapping[Any, Personal]:
    """What all rooms declare, by table class."""
    return {
        table: personal
        for module in modules_named("tables", beside="PERSONAL")
        for table, personal in module.PERSONAL.items()
    }
