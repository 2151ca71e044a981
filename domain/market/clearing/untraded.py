"""Markets and intervals in which nothing was traded although limits had been met: why, for the owners of the orders.

A clearing is recorded where energy is traded or passes through. Elsewhere an order that had met a price would be told
that none did. So what a batch found there is kept as well, whenever it differs from what the last one found or another
order has come. Append-only; nobody is shown it but as the explanation of an order (`explanations`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import new_id
from domain.kernel.writing import Insertion
from domain.market.clearing.tables import UNBATCHED, Untraded

# What of a clearing's parameters is for the owners of orders alone.
TOLD = ("below_minimum", "own_only", "made_room", "reach", "last_arrival")


@dataclass(frozen=True, slots=True)
class UntradedCell:
    """The price indicated for a market and interval, and what is told of its orders (by the names of `TOLD`)."""

    price_ueur_per_kwh: int
    told: Mapping[str, Any]


class UntradedRow(NamedTuple):
    """The same as it is stored, `told` as JSON."""

    id: UUID
    market_id: UUID
    delivery_start: datetime
    batch: int
    price_ueur_per_kwh: int
    told: str


async def record(session: AsyncSession, cells: Mapping[tuple[UUID, datetime], UntradedCell], batch: int) -> None:
    """Keep what is not known from the last batch."""
    rows = [
        UntradedRow(new_id(), market_id, start, batch, cell.price_ueur_per_kwh, json.dumps(dict(cell.told)))
        for (market_id, start), cell in sorted(cells.items())
    ]
    await KEPT.write(session, rows)


KEPT = Insertion(
    "untraded_found",
    UntradedRow,
    Untraded,
    last=f"""WHERE NOT EXISTS (
        SELECT FROM (SELECT batch, told FROM untraded
                     WHERE (market_id, delivery_start) = (untraded_found.market_id, untraded_found.delivery_start)
                     ORDER BY batch DESC LIMIT 1) AS known
        WHERE known.told = untraded_found.told::jsonb AND NOT EXISTS (
            SELECT FROM clearing
            WHERE (market_id, delivery_start) = (untraded_found.market_id, untraded_found.delivery_start)
              AND clearing.batch > known.batch AND clearing.batch < {UNBATCHED}))""",  # noqa: S608 - a constant.
)
