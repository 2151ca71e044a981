"""Delivery: which hours have to be looked at, what a look reads, and what it leaves to be looked at again.

Decision, 2026-11-21: the unit of delivery is an hour of UTC over all markets, because every delivery interval lies in
one, and a user's energy is one pot for all its trades. An hour is looked at when a delivery in it ends, when a reading
arrives that differs from what was read (late or corrected), and when the days of grace are over. Each look delivers
the whole hour anew, and what comes out otherwise than it was settled becomes a new version; so settlement, late
readings and corrections are one thing, and to look once more changes nothing.

Which readings arrived is found by when they did (an index), and compared with `DeliveryBasis`. Times of arrival are the
database's, at which transactions began, so each search goes back further than a transaction lasts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.jobs import queue
from domain.kernel.sql import Statement, Transaction
from domain.kernel.writing import Insertion
from domain.ledger import accounts
from domain.ledger.accounts import AccountIds
from domain.market.delivery import metered
from domain.market.delivery.metered import Basis, Metered
from domain.market.delivery.tables import DeliveryBasis
from domain.market.delivery.words import SETTLE_DELIVERIES
from domain.market.places import charges
from domain.market.places.charges import MoneyTerms

HOUR = timedelta(hours=1)
ARRIVALS_EVERY = timedelta(seconds=2)
TRANSACTION_MAX = timedelta(minutes=10)  # Longer than any transaction that stores readings.
AGAIN_AFTER = timedelta(seconds=15)  # Readings that arrive one by one are looked at together.
TIME_LIMIT_S = 600


class Traded(NamedTuple):
    """A trade of an hour, and its last version as it was settled: version 0, and no energy, where there is none.

    escrow_id: the transfer that took its escrow; None where nothing was to be taken.
    """

    id: UUID
    market_id: UUID
    seller_market_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    energy_ukwh: int
    price_ueur_per_kwh: int
    seller_price_ueur_per_kwh: int
    buyer_id: UUID
    seller_id: UUID
    buyer_escrow_ueur: int
    seller_escrow_ueur: int
    version: int
    delivered_ukwh: int
    seller_short_ukwh: int
    buyer_short_ukwh: int
    is_provisional: bool
    escrow_id: UUID | None


class Start(NamedTuple):
    """When an hour starts."""

    starts_at: datetime


class Watched(NamedTuple):
    """Up to when arrivals were looked through before."""

    looked_at: datetime


class Arrived(NamedTuple):
    """How many days of readings arrived."""

    days: int


class Changes(NamedTuple):
    """How often an hour was made to be looked at."""

    changes: int


class Grace(NamedTuple):
    """How long a market waits for readings."""

    id: UUID
    grace_days: int


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour as it was read: its trades in the order of delivery, what was metered, terms of its markets, accounts."""

    starts_at: datetime
    changes: int
    trades: Sequence[Traded]
    metered: Metered
    terms: Mapping[UUID, MoneyTerms]
    grace: Mapping[UUID, timedelta]
    accounts: AccountIds

    def waits_until(self, trade: Traded, now: datetime) -> datetime | None:
        """Until when a trade may wait for readings: the end of its delivery, then of the longer grace; None: not."""
        if now < trade.delivery_end:
            return trade.delivery_end
        over = trade.delivery_end + max(self.grace[trade.market_id], self.grace[trade.seller_market_id])
        return over if now < over else None


async def schedule(session: AsyncSession, *, now: datetime) -> UUID | None:
    """Note which readings arrived, and ask for a settlement if anything is due; gives the job's id."""
    await note_arrivals(session, now=now)
    if not await IS_DUE.rows(session, {"now": now}):
        return None
    key = f"settle:{int(now.timestamp())}"
    return await queue.enqueue(session, SETTLE_DELIVERIES, key, {}, time_limit_s=TIME_LIMIT_S)


async def due(transaction: Transaction, *, now: datetime) -> list[datetime]:
    """Starts of the hours that have to be looked at, the one that waits longest first."""
    return [row.starts_at for row in await DUE.rows(transaction, {"now": now})]


async def note_arrivals(session: AsyncSession, *, now: datetime) -> int:
    """Have the hours looked at whose readings arrived or were corrected; gives how many days of readings did."""
    watched = await WATCH.rows(session, {"every": ARRIVALS_EVERY})
    if not watched:
        return 0
    given = {"now": now, "since": watched[0].looked_at - TRANSACTION_MAX, "again_after": AGAIN_AFTER}
    (noted,) = await NOTE_ARRIVALS.rows(session, given)
    return noted.days


async def read(transaction: Transaction, starts_at: datetime) -> Hour:
    """An hour as it stands. What changes while it is read is counted, and makes another look necessary."""
    (hour,) = await HOUR_ROW.rows(transaction, {"starts_at": starts_at})
    trades = await TRADES.rows(transaction, {"starts_at": starts_at, "ends_at": starts_at + HOUR})
    users = {party for trade in trades for party in (trade.buyer_id, trade.seller_id)}
    markets = {market for trade in trades for market in (trade.market_id, trade.seller_market_id)}
    graces = await GRACE.rows(transaction, {"market_ids": sorted(markets)})
    terms = await charges.terms(transaction, markets)
    charged = {charge.community_id for each in terms.values() for charge in each.charges if charge.community_id}
    return Hour(
        starts_at,
        hour.changes,
        trades,
        await metered.read(transaction, users, starts_at),
        terms,
        {row.id: timedelta(days=row.grace_days) for row in graces},
        await accounts.ids(transaction, users, markets | charged),
    )


async def lock(session: AsyncSession, starts_at: datetime) -> None:
    """Hold an hour until commit, so that two workers never settle one trade."""
    await LOCK.rows(session, {"starts_at": starts_at})


async def finish(
    session: AsyncSession, hour: Hour, waiting: Sequence[datetime], *, is_complete: bool, now: datetime
) -> None:
    """Write down that an hour was looked at; it is due again at the earliest of `waiting`, or as changes ask for it."""
    await BASIS_NOTED.write(session, hour.metered.basis)
    given = {
        "starts_at": hour.starts_at,
        "changes": hour.changes,
        "look_at": min(waiting, default=None),
        "is_settled": not waiting,
        "is_complete": is_complete,
        "now": now,
        "again_at": now + AGAIN_AFTER,
    }
    await FINISH.rows(session, given)


async def put_off(session: AsyncSession, starts_at: datetime, *, until: datetime) -> None:
    """Look at an hour that cannot be settled later, so that the others need not wait for it."""
    await PUT_OFF.rows(session, {"starts_at": starts_at, "until": until})


IS_DUE = Statement("""
    SELECT 1 WHERE (
        EXISTS (SELECT FROM delivery_hour WHERE look_at <= CAST(:now AS timestamptz))
        OR EXISTS (SELECT FROM delivery_hour WHERE has_news))
      AND NOT EXISTS (SELECT FROM job WHERE status IN ('QUEUED', 'RUNNING') AND kind = 'SETTLE_DELIVERIES')
""")
DUE = Statement("""
    SELECT starts_at FROM delivery_hour WHERE look_at <= CAST(:now AS timestamptz) ORDER BY look_at, starts_at LIMIT 100
""").into(Start)
WATCH = Statement("""
    UPDATE delivery_watch SET looked_at = now()
    FROM (SELECT id, looked_at FROM delivery_watch WHERE looked_at <= now() - CAST(:every AS interval)
          FOR UPDATE SKIP LOCKED) AS before
    WHERE delivery_watch.id = before.id RETURNING before.looked_at
""").into(Watched)
# A value that arrives late matters to hours that were not settled by complete readings; a correction to all of its day.
NOTE_ARRIVALS = Statement("""
    WITH arrived AS MATERIALIZED (
        SELECT basis.metering_point_id, basis.direction, basis.day, reading.version, known.count AS known_count,
               basis.version > 0 AND reading.version > basis.version AS is_correction,
               basis.day::timestamp AT TIME ZONE point.timezone AS day_start,
               (basis.day + 1)::timestamp AT TIME ZONE point.timezone AS day_end
        FROM reading
        JOIN delivery_basis AS basis USING (metering_point_id, direction, day)
        JOIN metering_point AS point ON point.id = metering_point_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN reading.is_complete THEN cardinality(reading.values_ukwh)
                        ELSE cardinality(array_remove(reading.values_ukwh, NULL)) END AS count) AS known
        WHERE reading.received_at > CAST(:since AS timestamptz) AND reading.superseded_at IS NULL
          AND (basis.version, basis.known_count::int) IS DISTINCT FROM (reading.version, known.count)),
    marked AS (
        UPDATE delivery_hour
        SET changes = changes + 1,
            look_at = least(coalesce(look_at, 'infinity'),
                            greatest(CAST(:now AS timestamptz), looked_at + CAST(:again_after AS interval)))
        FROM (SELECT DISTINCT day_start, day_end, is_correction FROM arrived) AS day
        WHERE starts_at > day_start - interval '1 hour' AND starts_at < day_end AND looked_at IS NOT NULL
          AND (is_correction OR NOT (is_settled AND is_complete))),
    noted AS (
        UPDATE delivery_basis AS basis SET version = arrived.version, known_count = arrived.known_count
        FROM arrived
        WHERE (basis.metering_point_id, basis.direction, basis.day)
              = (arrived.metering_point_id, arrived.direction, arrived.day))
    SELECT count(*) AS days FROM arrived
""").into(Arrived)
HOUR_ROW = Statement("SELECT changes FROM delivery_hour WHERE starts_at = CAST(:starts_at AS timestamptz)").into(
    Changes
)
LOCK = Statement("SELECT changes FROM delivery_hour WHERE starts_at = CAST(:starts_at AS timestamptz) FOR UPDATE")
# Trades are delivered as they were made. A batch is numbered by its second; the number of a bid tells no time.
MADE_AT = "coalesce(extract(epoch FROM bid.placed_at), clearing.batch)"
TRADES = Statement(f"""
    SELECT trade.id, trade.market_id, trade.seller_market_id, trade.delivery_start, trade.delivery_end,
           trade.energy_ukwh, trade.price_ueur_per_kwh, trade.seller_price_ueur_per_kwh, trade.buyer_id,
           trade.seller_id, trade.buyer_escrow_ueur, trade.seller_escrow_ueur,
           coalesce(latest.version, 0) AS version, coalesce(latest.delivered_ukwh, 0) AS delivered_ukwh,
           coalesce(latest.seller_short_ukwh, 0) AS seller_short_ukwh,
           coalesce(latest.buyer_short_ukwh, 0) AS buyer_short_ukwh,
           coalesce(latest.is_provisional, false) AS is_provisional, escrow.id AS escrow_id
    FROM trade JOIN clearing ON clearing.id = trade.clearing_id
    LEFT JOIN auction_bid AS bid ON bid.order_id = trade.buy_order_id
    LEFT JOIN transfer AS escrow ON escrow.subject_id = trade.id AND escrow.kind = 'ESCROW'
    LEFT JOIN LATERAL (
        SELECT version, delivered_ukwh, seller_short_ukwh, buyer_short_ukwh, is_provisional FROM trade_delivery
        WHERE trade_id = trade.id ORDER BY version DESC LIMIT 1) AS latest ON true
    WHERE trade.delivery_start >= CAST(:starts_at AS timestamptz)
      AND trade.delivery_start < CAST(:ends_at AS timestamptz)
    ORDER BY {MADE_AT}, trade.id
""").into(Traded)  # noqa: S608 - made of constants.
GRACE = Statement("SELECT id, grace_days FROM market WHERE id = ANY(CAST(:market_ids AS uuid[]))").into(Grace)
BASIS_NOTED = Insertion(
    "delivery_basis_noted",
    Basis,
    DeliveryBasis,
    last="ORDER BY metering_point_id, direction, day ON CONFLICT DO NOTHING",
)
FINISH = Statement("""
    UPDATE delivery_hour
    SET looked_at = CAST(:now AS timestamptz),
        look_at = CASE WHEN changes = :changes THEN CAST(:look_at AS timestamptz)
                       ELSE least(coalesce(look_at, 'infinity'), CAST(:again_at AS timestamptz)) END,
        is_settled = CAST(:is_settled AS boolean) AND changes = :changes, is_complete = CAST(:is_complete AS boolean)
    WHERE starts_at = CAST(:starts_at AS timestamptz) RETURNING 1
""")
PUT_OFF = Statement("""
    UPDATE delivery_hour SET look_at = CAST(:until AS timestamptz)
    WHERE starts_at = CAST(:starts_at AS timestamptz) RETURNING 1
""")
