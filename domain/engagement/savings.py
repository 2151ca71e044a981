"""Money that persons saved against the grid in a month: what `history` calls savings, for many persons at once.

    saved = sum over purchases of energy x (import tariff of the zone at the time of delivery - price)

Purchases at a time for which no tariff is known are left out. Rounded half-even once per person, while a person's own
statistics round each trade: the two differ by less than a micro-EUR a trade.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.engagement import persons
from domain.kernel.intervals import Period
from domain.kernel.quantities import MICRO, round_half_even
from domain.market.prices import tariffs as grid_tariffs
from domain.market.prices.tables import GridDirection
from domain.market.prices.tariffs import Tariff


async def of_persons(connection: AsyncConnection, given: dict[str, Any], month: Period) -> dict[UUID, int]:
    """What each person saved, micro-EUR, by user: those with a purchase that can be compared."""
    bought = [(row.zone_id, row.delivery_start) for row in await connection.execute(BOUGHT, given)]
    zones = sorted({zone_id for zone_id, _ in bought})
    tariffs = await grid_tariffs.holding(connection, zones, month.start, month.end) if zones else []
    prices = await asyncio.to_thread(_prices, bought, tariffs)
    columns = {"zones": [zone for zone, _ in bought], "starts": [start for _, start in bought], "prices": prices}
    rows = await connection.execute(SAVED, given | columns)
    return {row.user_id: round_half_even(int(row.saved), MICRO) for row in rows}


def _prices(bought: Sequence[tuple[UUID, Any]], tariffs: Sequence[Tariff]) -> list[int | None]:
    return [grid_tariffs.price_at(tariffs, zone_id, GridDirection.IMPORT, start) for zone_id, start in bought]


PURCHASE = """
    purchase AS (
        SELECT person.user_id, market.zone_id, trade.delivery_start, trade.energy_ukwh, trade.price_ueur_per_kwh
        FROM person
        JOIN trade ON trade.buyer_id = person.user_id AND trade.delivery_start >= CAST(:month_start AS timestamptz)
         AND trade.delivery_start < CAST(:month_end AS timestamptz)
        JOIN market ON market.id = trade.market_id)"""
BOUGHT = text(f"""
    WITH {persons.IN_COMMUNITIES}, {PURCHASE}
    SELECT DISTINCT zone_id, delivery_start FROM purchase ORDER BY delivery_start, zone_id
""")  # noqa: S608 - made of constants.
SAVED = text(f"""
    WITH {persons.IN_COMMUNITIES}, {PURCHASE},
    grid AS (
        SELECT * FROM unnest(CAST(:zones AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:prices AS bigint[]))
        AS given (zone_id, delivery_start, price))
    SELECT user_id, sum(CAST(energy_ukwh AS numeric) * (price - price_ueur_per_kwh)) AS saved
    FROM purchase JOIN grid USING (zone_id, delivery_start)
    WHERE price IS NOT NULL
    GROUP BY user_id
""")  # noqa: S608
