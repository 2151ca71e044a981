"""Ratings: how reliably a user kept what was traded, over the 90 days before a day.

    reliability = kept / traded, as seller and as buyer and both together; millionths, rounded down

Counted are trades whose delivery began in those days and is settled, by the newest version. A level needs a number of
trades; thresholds are data.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.engagement import persons
from domain.kernel.quantities import WHOLE_PPM

WINDOW = timedelta(days=90)
FRESH = timedelta(days=7)  # Older ratings are none: the job that makes them did not run.


class ReputationLevel(StrEnum):
    """How reliable somebody is, best first."""

    EXCELLENT = "EXCELLENT"
    RELIABLE = "RELIABLE"
    FAIR = "FAIR"
    UNRELIABLE = "UNRELIABLE"
    NEW = "NEW"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a level takes, millionths and trades."""

    level: ReputationLevel
    trades_min: int
    reliability_ppm_min: int


# The first that is reached holds.
LEVELS = (
    Threshold(ReputationLevel.EXCELLENT, 100, 980_000),
    Threshold(ReputationLevel.RELIABLE, 20, 900_000),
    Threshold(ReputationLevel.FAIR, 20, 750_000),
    Threshold(ReputationLevel.UNRELIABLE, 20, 0),
    Threshold(ReputationLevel.NEW, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Side:
    """What somebody traded on one side, and how much was kept, micro-kWh."""

    trades_count: int
    traded_ukwh: int
    kept_ukwh: int

    @property
    def reliability_ppm(self) -> int | None:
        """Kept of what was traded, millionths, rounded down; None where nothing was."""
        return self.kept_ukwh * WHOLE_PPM // self.traded_ukwh if self.traded_ukwh else None


@dataclass(frozen=True, slots=True)
class Rating:
    """A user's rating of a day."""

    day: date
    seller: Side
    buyer: Side

    @property
    def together(self) -> Side:
        """Both sides."""
        return Side(
            self.seller.trades_count + self.buyer.trades_count,
            self.seller.traded_ukwh + self.buyer.traded_ukwh,
            self.seller.kept_ukwh + self.buyer.kept_ukwh,
        )

    @property
    def level(self) -> ReputationLevel:
        """The level that the rating reaches."""
        return level_of(self.together)


def level_of(side: Side) -> ReputationLevel:
    """The first level whose thresholds are reached."""
    reliability = side.reliability_ppm or 0
    return next(
        each.level
        for each in LEVELS
        if side.trades_count >= each.trades_min and reliability >= each.reliability_ppm_min
    )


async def record(session: AsyncSession, day: date, *, actor: str) -> int:
    """Rate everybody for a day that has begun; gives how many were rated. Rated again, a day stays as it is."""
    until = datetime.combine(day, time.min, UTC)
    made = await session.execute(RATE, {"day": day, "since": until - WINDOW, "until": until})
    count = len(made.all())
    if count:
        facts = {"day": day.isoformat(), "count": count}
        await entries.record(session, "members.rate", actor=actor, subject=("MemberRating", None), facts=facts)
    return count


async def of_user(connection: AsyncConnection, user_id: UUID, *, now: datetime) -> Rating | None:
    """The newest rating of a user; None for who traded nothing of late."""
    given = {"user_id": user_id, "since": (now - FRESH).date(), "today": now.date()}
    row = (await connection.execute(OF_USER, given)).one_or_none()
    return None if row is None else _rating(row)


async def of_communities(
    connection: AsyncConnection, community_ids: Collection[UUID], *, now: datetime
) -> Mapping[UUID, Rating]:
    """The newest ratings of those who take part, by membership, where a community has at least five of them."""
    given = persons.given(community_ids, now.date())
    given |= {"since": (now - FRESH).date(), "persons_min": persons.PERSONS_MIN}
    rows = await connection.execute(OF_COMMUNITIES, given)
    return {row.membership_id: _rating(row) for row in rows}


def _rating(row: Any) -> Rating:
    return Rating(
        row.day,
        Side(row.sales_count, row.sold_ukwh, row.sold_kept_ukwh),
        Side(row.purchases_count, row.bought_ukwh, row.bought_kept_ukwh),
    )


RATE = text("""
    INSERT INTO member_rating (
        day, user_id, sales_count, sold_ukwh, sold_kept_ukwh, purchases_count, bought_ukwh, bought_kept_ukwh)
    SELECT CAST(:day AS date), party.user_id,
           count(*) FILTER (WHERE is_sale),
           coalesce(sum(trade.energy_ukwh) FILTER (WHERE is_sale), 0),
           coalesce(sum(trade.energy_ukwh - party.short_ukwh) FILTER (WHERE is_sale), 0),
           count(*) FILTER (WHERE NOT is_sale),
           coalesce(sum(trade.energy_ukwh) FILTER (WHERE NOT is_sale), 0),
           coalesce(sum(trade.energy_ukwh - party.short_ukwh) FILTER (WHERE NOT is_sale), 0)
    FROM trade
    CROSS JOIN LATERAL (
        SELECT seller_short_ukwh, buyer_short_ukwh FROM trade_delivery
        WHERE trade_id = trade.id ORDER BY version DESC LIMIT 1) AS latest
    CROSS JOIN LATERAL (
        VALUES (trade.seller_id, true, latest.seller_short_ukwh), (trade.buyer_id, false, latest.buyer_short_ukwh)
    ) AS party (user_id, is_sale, short_ukwh)
    WHERE trade.delivery_start >= CAST(:since AS timestamptz) AND trade.delivery_start < CAST(:until AS timestamptz)
      AND NOT EXISTS (SELECT FROM member_rating WHERE day = CAST(:day AS date))
    GROUP BY party.user_id
    ON CONFLICT DO NOTHING
    RETURNING user_id
""")
OF_USER = text("""
    SELECT * FROM member_rating
    WHERE day = (SELECT max(day) FROM member_rating WHERE day <= CAST(:today AS date))
      AND day >= CAST(:since AS date) AND user_id = CAST(:user_id AS uuid)
""")
OF_COMMUNITIES = text(f"""
    WITH {persons.IN_COMMUNITIES}
    SELECT * FROM (
        SELECT person.membership_id, rating.*, count(*) OVER (PARTITION BY person.community_id) AS rated_count
        FROM person JOIN member_rating AS rating ON rating.user_id = person.user_id
         AND rating.day = (SELECT max(day) FROM member_rating WHERE day <= CAST(:today AS date))
        WHERE rating.day >= CAST(:since AS date)) AS rated
    WHERE rated_count >= :persons_min
""")  # noqa: S608 - made of constants.
