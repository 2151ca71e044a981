"""What energy from the grid costs in a zone and what energy to it earns: rows with the instant from which they hold.

Prices are those of energy as the operator states them; whether network charges or taxes are in them is the operator's
word. A tariff that was set stays: the newest row of the latest instant holds, and none may begin in the past, so that
what a price was compared with can be told again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.geography.tables import MarketZone
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, NotAllowed, NotFound
from domain.market.prices import calendars
from domain.market.prices.calendars import Calendar, Tier
from domain.market.prices.tables import GridDirection, GridTariff, TariffTier

AHEAD_MAX = timedelta(days=3 * 366)


class BeginsOutOfRange(DomainError):
    """What was is not changed: a row begins now or later, within three years."""

    def __init__(self, valid_from: datetime, earliest: datetime, latest: datetime) -> None:
        super().__init__(
            f"It may hold from {earliest.isoformat()} to {latest.isoformat()} on; what was is not changed."
        )
        self.valid_from = valid_from
        self.earliest = earliest
        self.latest = latest


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price per kWh, and the tiers that take its place at some hours."""

    id: UUID
    zone_id: UUID
    direction: GridDirection
    price_ueur_per_kwh: int
    calendar: Calendar
    tiers: tuple[Tier, ...]
    valid_from: datetime

    def price_at(self, instant: datetime) -> int:
        """The price of a kWh at an instant, micro-EUR."""
        tier = calendars.tier_at(self.tiers, self.calendar, instant)
        return self.price_ueur_per_kwh if tier is None else tier.value_ueur_per_kwh


async def set_tariff(
    session: AsyncSession,
    viewer: Viewer,
    *,
    zone_id: UUID,
    direction: GridDirection,
    price_ueur_per_kwh: int,
    calendar: Calendar,
    tiers: Sequence[Tier],
    valid_from: datetime | None,
    now: datetime,
) -> Tariff:
    """Set a tariff of a zone from an instant on, now unless it is given; for administrators and the zone's operator.

    Raises NotAllowed, NotFound, InvalidValue, BeginsOutOfRange.
    """
    require_operator(viewer, zone_id, "set the grid's tariffs of this zone")
    calendars.check_price(("price",), price_ueur_per_kwh)
    calendars.check(calendar, tiers)
    begins = check_begin(valid_from, now)
    if await session.get(MarketZone, zone_id) is None:
        raise NotFound("market zone", zone_id)
    tariff = Tariff(new_id(), zone_id, direction, price_ueur_per_kwh, calendar, tuple(tiers), begins)
    await session.execute(insert(GridTariff).values(_row(tariff)))
    if tiers:
        rows = [{"grid_tariff_id": tariff.id, "rank": n} | calendars.row_of(tier) for n, tier in enumerate(tiers)]
        await session.execute(insert(TariffTier), rows)
    facts = _row(tariff) | {"tiers": [calendars.row_of(tier) for tier in tiers]}
    await entries.record(session, "grid_tariff.set", actor=viewer.key, subject=("GridTariff", tariff.id), facts=facts)
    return tariff


def require_operator(viewer: Viewer, zone_id: UUID, act: str) -> None:
    """Raises NotAllowed but for administrators of the platform and operators of the zone."""
    if not viewer.is_admin and zone_id not in viewer.operated_zone_ids:
        raise NotAllowed(act)


def check_begin(valid_from: datetime | None, now: datetime) -> datetime:
    """When a row begins to hold. Raises BeginsOutOfRange."""
    begins = now if valid_from is None else valid_from
    if not now <= begins <= now + AHEAD_MAX:
        raise BeginsOutOfRange(begins, now, now + AHEAD_MAX)
    return begins


SINCE = text("""
    SELECT tariff.*, coalesce((SELECT json_agg(tier ORDER BY rank) FROM tariff_tier AS tier
                               WHERE tier.grid_tariff_id = tariff.id), '[]') AS tiers
    FROM grid_tariff AS tariff
    WHERE zone_id = ANY(:zone_ids) AND valid_from <= :until
      AND NOT EXISTS (SELECT FROM grid_tariff AS newer
                      WHERE newer.zone_id = tariff.zone_id AND newer.direction = tariff.direction
                        AND newer.valid_from <= :since
                        AND (newer.valid_from, newer.id) > (tariff.valid_from, tariff.id))
    ORDER BY valid_from, id
""").bindparams(
    bindparam("zone_ids", type_=ARRAY(Uuid())),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)


async def holding(
    connection: AsyncConnection, zone_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Tariff]:
    """The tariffs of zones that hold at some instant of [since, until], in the order in which they begin."""
    given = {"zone_ids": list(zone_ids), "since": since, "until": until}
    return [_tariff(row) for row in await connection.execute(SINCE, given)]


def tariff_at(tariffs: Sequence[Tariff], zone_id: UUID, direction: GridDirection, instant: datetime) -> Tariff | None:
    """The tariff that holds at an instant, of tariffs in the order in which they begin."""
    found = [t for t in tariffs if (t.zone_id, t.direction) == (zone_id, direction) and t.valid_from <= instant]
    return found[-1] if found else None


def price_at(tariffs: Sequence[Tariff], zone_id: UUID, direction: GridDirection, instant: datetime) -> int | None:
    """What a kWh costs or earns at an instant, micro-EUR; None without a tariff."""
    tariff = tariff_at(tariffs, zone_id, direction, instant)
    return None if tariff is None else tariff.price_at(instant)


def _row(tariff: Tariff) -> dict[str, Any]:
    return {
        "id": tariff.id,
        "zone_id": tariff.zone_id,
        "direction": tariff.direction,
        "price_ueur_per_kwh": tariff.price_ueur_per_kwh,
        "timezone": tariff.calendar.timezone,
        "holidays": sorted(tariff.calendar.holidays),
        "valid_from": tariff.valid_from,
    }


def _tariff(row: Any) -> Tariff:
    return Tariff(
        row.id,
        row.zone_id,
        GridDirection(row.direction),
        row.price_ueur_per_kwh,
        Calendar(row.timezone, frozenset(row.holidays)),
        calendars.tiers_of(row.tiers),
        row.valid_from,
    )
