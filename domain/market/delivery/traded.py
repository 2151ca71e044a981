"""What users traded, by metering point and quarter-hour: the first step of the waterfall, which sharing goes on from.

    injected = traded out + shared out + to grid          withdrawn = traded in + shared in + from supplier

Trades are delivered from all that a user metered. Which quarters of the hour a trade took is told by delivering the
trades once more in their order, each from the earliest quarters that have something left (`solver.market.delivery`).
Of a quarter each of the user's points gives in proportion to what it metered, by largest remainder, equal ones by id.

Decision, 2026-11-21: a period is not shared before all trades of its users are delivered, nor while a correction is on
its way: what trades take is then not known, and would be given out twice. A settlement that is corrected later makes
other inputs, so the next allocation of the period is a new version. The grid operator's figures know nothing of trades
and stay as they are: where somebody traded, a run says how far it differs from them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from uuid import UUID

from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period
from domain.kernel.quantities import largest_remainder
from domain.kernel.sql import Statement, Transaction
from domain.market.delivery import metered
from domain.market.delivery.hours import MADE_AT
from domain.metering.matrices import ByPoint
from domain.metering.tables import Direction

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
HOURS_AT_ONCE = 24
Place: TypeAlias = tuple[UUID, Direction, datetime]  # Of a user: a side, and a quarter-hour.


class DeliveriesWaiting(DomainError):
    """Trades of a period are not delivered yet, or are about to be delivered anew by corrected readings."""

    def __init__(self, count: int) -> None:
        super().__init__(f"Trades of this period that are not delivered yet: {count}. What they take is not known.")
        self.count = count


@dataclass(frozen=True, slots=True)
class Traded:
    """One side of a delivered trade: whose energy it was, and how much, micro-kWh."""

    user_id: UUID
    direction: Direction
    period: Period
    energy_ukwh: int


class Holder(NamedTuple):
    """A user that held a metering point."""

    user_id: UUID


class SideRow(NamedTuple):
    """One side of a trade; None: it is not delivered yet."""

    id: UUID
    clearing_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    user_id: UUID
    direction: str
    delivered_ukwh: int | None


@dataclass(frozen=True, slots=True)
class Trading:
    """Sides of trades in the order of their delivery, and what the users' points metered in the hours of those."""

    sides: tuple[Traded, ...]
    metered_ukwh: Mapping[Place, Mapping[UUID, int]]


async def read(transaction: Transaction, point_ids: Collection[UUID], period: Period) -> Trading:
    """What those traded who hold some metering points. Raises DeliveriesWaiting."""
    users = [row.user_id for row in await USERS.rows(transaction, {"points": sorted(point_ids)})]
    rows = await SIDES.rows(transaction, {"users": users, "start": period.start, "end": period.end})
    if waiting := {row.id for row in rows if row.delivered_ukwh is None}:
        raise DeliveriesWaiting(len(waiting))
    sides = tuple(
        Traded(row.user_id, Direction(row.direction), Period(row.delivery_start, row.delivery_end), row.delivered_ukwh)
        for row in rows
        if row.delivered_ukwh
    )
    return Trading(sides, await _metered(transaction, sides))


async def _metered(transaction: Transaction, sides: Sequence[Traded]) -> dict[Place, dict[UUID, int]]:
    """By user, direction and quarter-hour: the energy of each point that metered some."""
    found: dict[Place, dict[UUID, int]] = defaultdict(dict)
    hours = sorted({_hour_of(side) for side in sides})
    for first in range(0, len(hours), HOURS_AT_ONCE):
        some = hours[first : first + HOURS_AT_ONCE]
        users = {side.user_id for side in sides if some[0] <= _hour_of(side) <= some[-1]}
        for row in await metered.points(transaction, users, some):
            for number, ukwh in zip(row.quarters, row.ukwh, strict=True):
                if ukwh:
                    at = some[number // metered.QUARTERS] + number % metered.QUARTERS * QUARTER
                    found[row.user_id, Direction(row.direction), at][row.metering_point_id] = ukwh
    return found


def by_point(trading: Trading) -> ByPoint:
    """Which points the traded energy was metered at, never more than they metered. Raises DeliveriesWaiting."""
    taken, short = _taken(trading)
    if short:
        raise DeliveriesWaiting(short)
    found: dict[tuple[UUID, Direction], dict[datetime, int]] = defaultdict(dict)
    for (user_id, direction, at), energy_ukwh in taken.items():
        points = sorted(trading.metered_ukwh[user_id, direction, at].items())
        parts = largest_remainder(energy_ukwh, [ukwh for _, ukwh in points])
        for (point_id, _), part in zip(points, parts, strict=True):
            if part:
                found[point_id, direction][at] = part
    return found


def _taken(trading: Trading) -> tuple[dict[Place, int], int]:
    """By user, direction and quarter-hour what trades took; and how many found less than was delivered of them."""
    left = {place: sum(points.values()) for place, points in trading.metered_ukwh.items()}
    taken: dict[Place, int] = defaultdict(int)
    short = 0
    for side in trading.sides:
        wanted, at = side.energy_ukwh, side.period.start
        while wanted and at < side.period.end:
            place = (side.user_id, side.direction, at)
            part = min(wanted, left.get(place, 0))
            if part:
                left[place] -= part
                taken[place] += part
                wanted -= part
            at += QUARTER
        short += wanted > 0
    return taken, short


def _hour_of(side: Traded) -> datetime:
    return side.period.start.replace(minute=0, second=0, microsecond=0)


USERS = Statement("""
    SELECT DISTINCT member.user_id FROM participation JOIN member ON member.id = participation.member_id
    WHERE participation.metering_point_id = ANY(CAST(:points AS uuid[])) AND member.user_id IS NOT NULL
""").into(Holder)
# In the order in which trades are delivered.
SIDES = Statement(f"""
    WITH side AS (
        SELECT id, clearing_id, buy_order_id, delivery_start, delivery_end, seller_id AS user_id,
               'INJECTED' AS direction
        FROM trade
        WHERE seller_id = ANY(CAST(:users AS uuid[])) AND delivery_start >= CAST(:start AS timestamptz)
          AND delivery_start < CAST(:end AS timestamptz)
        UNION ALL
        SELECT id, clearing_id, buy_order_id, delivery_start, delivery_end, buyer_id, 'WITHDRAWN' FROM trade
        WHERE buyer_id = ANY(CAST(:users AS uuid[])) AND delivery_start >= CAST(:start AS timestamptz)
          AND delivery_start < CAST(:end AS timestamptz))
    SELECT side.id, side.clearing_id, side.delivery_start, side.delivery_end, side.user_id, side.direction,
           latest.delivered_ukwh
    FROM side JOIN clearing ON clearing.id = side.clearing_id
    LEFT JOIN auction_bid AS bid ON bid.order_id = side.buy_order_id
    LEFT JOIN LATERAL (
        SELECT delivered_ukwh FROM trade_delivery WHERE trade_id = side.id ORDER BY version DESC LIMIT 1)
         AS latest ON true
    ORDER BY date_bin('1 hour', side.delivery_start, 'epoch'), {MADE_AT}, side.id
""").into(SideRow)  # noqa: S608 - made of constants.
