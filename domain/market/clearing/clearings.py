"""Clearings: when a batch is due, and recording its outcome once.

A batch is numbered by the UTC second at which it opens, a multiple of the coupling's batch length; so numbers grow
with time, whichever markets are linked. A market that nothing happened to is not cleared again.

Where the last batch is one that is still to come, the clock was put back (the database's own, as after a failover).
Until it has caught up, a batch has the next free number, and comes as long after the one before it as ever.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.grid import halts
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import among, new_id
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period
from domain.kernel.quantities import MICRO, round_half_even
from domain.kernel.writing import Insertion
from domain.market.clearing import escrow, fills, news, trades, untraded
from domain.market.clearing import ticks as prices
from domain.market.clearing.book import Book
from domain.market.clearing.fills import Fills
from domain.market.clearing.tables import Clearing
from domain.market.clearing.ticks import Tick, TickKind
from domain.market.clearing.trades import Cleared, Pairing, TradeRow
from domain.market.clearing.untraded import UntradedCell
from domain.market.clearing.words import CLEAR_MARKET
from domain.market.orders import orders
from domain.market.places import changes, markets
from domain.market.places.markets import Coupling
from domain.market.places.tables import Market

# An order counts as new for this long after the second in which a batch opened: longer than the transaction that placed
# it may last, since the event that tells of it bears the time of the transaction's start.
SETTLES_S = 15
TIME_LIMIT_S = 60
Cell = tuple[UUID, datetime]  # Market and start of delivery.
FIGURES = attrgetter("id", "price_ueur_per_kwh", "bought_ukwh", "sold_ukwh", "input_digest")  # For the audit log.


class BookChanged(DomainError):
    """An order to be filled was cancelled, expired or filled after the book was read, or a zone was halted."""

    def __init__(self) -> None:
        super().__init__("The book changed while it was cleared.")


@dataclass(frozen=True, slots=True)
class CellPrice:
    """The price of a market in one delivery interval; indicative where no energy was traded or passed through.

    class_prices: micro-EUR/kWh of classes of energy that traded at another price, by `Acceptance`.
    congestion_rent_ueur: collected on the ways into the zone.
    bound_ueur: on the welfare of all linked markets in this interval; None where flexible orders tie it to others.
    parameters: what the outcome depends on beside the orders, and the welfare of all linked markets that it reached.
    """

    price_ueur_per_kwh: int
    lowest_ueur_per_kwh: int
    highest_ueur_per_kwh: int
    is_traded: bool
    class_prices: Mapping[str, int] = field(default_factory=dict)
    congestion_rent_ueur: int = 0
    bound_ueur: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


class ClearingRow(NamedTuple):
    """A clearing as it is stored, `class_prices` and `parameters` as JSON."""

    id: UUID
    market_id: UUID
    delivery_start: datetime
    batch: int
    price_ueur_per_kwh: int
    price_low_ueur_per_kwh: int
    price_high_ueur_per_kwh: int
    bought_ukwh: int
    sold_ukwh: int
    welfare_ueur: int
    bound_ueur: int | None
    congestion_rent_ueur: int
    class_prices: str
    parameters: str
    orders_count: int
    input_digest: str
    job_id: UUID | None

    @property
    def cell(self) -> Cell:
        """The market and delivery that were cleared."""
        return self.market_id, self.delivery_start


@dataclass(frozen=True, slots=True)
class Batch:
    """What the clearings of a batch have in common."""

    number: int
    job_id: UUID | None
    input_digest: str


@dataclass(frozen=True, slots=True)
class ClearingOutcome:
    """What a solver made of a book: pairs, all prices that there are, and where nothing traded though limits met."""

    pairings: tuple[Pairing, ...]
    prices: Mapping[Cell, CellPrice]
    untraded: Mapping[Cell, UntradedCell] = field(default_factory=dict)


DUE = text("""
    SELECT market.id FROM (SELECT *, 'market\\:' || id || '\\:book' AS stream FROM market) AS market
    JOIN event_stream USING (stream)
    JOIN event USING (stream, sequence)
    WHERE EXISTS (SELECT FROM order_interval WHERE market_id = market.id AND is_open)
      AND (market.last_batch - market.batch_seconds > extract(epoch FROM CAST(:now AS timestamptz))
           OR market.last_batch + market.batch_seconds <= extract(epoch FROM CAST(:now AS timestamptz))
           AND (extract(epoch FROM event.created_at) > market.last_batch - :settles
                OR EXISTS (SELECT FROM order_interval
                           WHERE market_id = market.id AND is_open AND delivery_start <= :now)))
""").bindparams(bindparam("now", type_=DateTime(timezone=True)))


async def schedule(session: AsyncSession, *, now: datetime) -> list[UUID]:
    """Ask for a clearing of each coupling that is due and is not being cleared; gives the ids of the jobs."""
    due = set(await session.scalars(DUE, {"now": now, "settles": SETTLES_S}))
    if not due:
        return []
    busy = await _being_cleared(session)
    asked = []
    for coupling in await markets.couplings(session):
        batch, last = batch_at(coupling, now), max(market.last_batch for market in coupling.markets)
        if last - coupling.batch_seconds > now.timestamp() and await _is_long_ago(session, coupling, last):
            batch = last + 1
        if last < batch and not due.isdisjoint(coupling.market_ids) and busy.isdisjoint(coupling.market_ids):
            asked.append(await _enqueue(session, coupling, batch))
    return asked


def batch_at(coupling: Coupling, now: datetime) -> int:
    """The number of the batch that is open at an instant."""
    return int(now.timestamp()) // coupling.batch_seconds * coupling.batch_seconds


async def record(
    session: AsyncSession, book: Book, outcome: ClearingOutcome, *, batch: int, job_id: UUID | None, now: datetime
) -> bool:
    """Store the outcome of a batch and fill its orders; False where the batch was recorded before.

    Raises BookChanged, and then nothing may be committed. What was traded goes into escrow.
    """
    if not await _take_batch(session, book, batch):
        return False
    filled = fills.of(outcome.pairings)
    if not await fills.are_as_read(session, filled):
        raise BookChanged
    rows = _rows(book, outcome, Batch(batch, job_id, book.digest))
    if rows:
        delivery = {market.id: market.delivery for market in book.coupling.markets}
        traded = await carry_out(session, rows, outcome.pairings, filled, delivery, actor=f"job:{job_id}", now=now)
        await notices.tell(session, news.of_filled(traded))
        # Late, because whoever places an order waits for the head of its market's audit chain.
        await _audit(session, rows, batch, job_id)
    await untraded.record(session, outcome.untraded, batch)
    await _announce(session, book, outcome, rows)
    return True


async def carry_out(
    session: AsyncSession,
    rows: Sequence[ClearingRow],
    pairings: Sequence[Pairing],
    filled: Fills,
    delivery: Mapping[UUID, timedelta],
    *,
    actor: str,
    now: datetime,
) -> list[TradeRow]:
    """Store the clearings of a batch, fill its locked orders and put their trades into escrow; gives the trades.

    filled: what the pairs fill. delivery: how long delivery intervals of each market are.
    """
    await CLEARED.write(session, rows)
    kept = await orders.restate(session, await fills.store(session, filled), now=now)
    cleared = {row.cell: Cleared(row.id, delivery[row.market_id]) for row in rows}
    traded = await trades.record(session, pairings, cleared)
    await escrow.take(session, kept, traded, batch=rows[0].batch, actor=actor, now=now)
    return traded


async def _is_long_ago(session: AsyncSession, coupling: Coupling, batch: int) -> bool:
    """Whether a batch was asked for at least one batch ago, or by a clock that was put back since."""
    age_s = func.abs(func.extract("epoch", func.now() - Job.created_at))
    query = select(age_s >= coupling.batch_seconds).where(Job.key == _key(coupling, batch))
    return (await session.execute(query)).scalar_one_or_none() is not False


async def _being_cleared(session: AsyncSession) -> set[UUID]:
    is_open = Job.status.in_([JobStatus.QUEUED, JobStatus.RUNNING])
    arguments = await session.scalars(select(Job.arguments).where(Job.kind == CLEAR_MARKET, is_open))
    return {UUID(market_id) for each in arguments for market_id in each["market_ids"]}


async def _enqueue(session: AsyncSession, coupling: Coupling, batch: int) -> UUID:
    arguments = {"market_ids": [str(market_id) for market_id in coupling.market_ids], "batch": batch}
    return await queue.enqueue(session, CLEAR_MARKET, _key(coupling, batch), arguments, time_limit_s=TIME_LIMIT_S)


def _key(coupling: Coupling, batch: int) -> str:
    return f"clear:{coupling.market_ids[0]}:{batch}"


async def _take_batch(session: AsyncSession, book: Book, batch: int) -> bool:
    """Hold the markets and count the batch; orders may still be placed meanwhile, for the next one."""
    ids = book.coupling.market_ids
    query = select(Market.id, Market.last_batch).where(among(Market.id, ids)).order_by(Market.id)
    last = {row.id: row.last_batch for row in await session.execute(query.with_for_update(key_share=True))}
    if any(number >= batch for number in last.values()):
        return False
    if any(last[market.id] != market.last_batch for market in book.coupling.markets):
        raise BookChanged
    if await halts.halted_zone_ids(session) & set(book.coupling.zone_ids) != book.coupling.halted_zone_ids:
        raise BookChanged
    await session.execute(update(Market).where(among(Market.id, ids)).values(last_batch=batch))
    return True


CLEARED = Insertion("market_cleared", ClearingRow, Clearing)


def _rows(book: Book, outcome: ClearingOutcome, batch: Batch) -> list[ClearingRow]:
    """A clearing for each market and interval in which energy was traded or passed through, sorted."""
    taking_part = Counter((each.market_id, each.delivery_start) for each in book.open)
    bought, sold = defaultdict(list), defaultdict(list)
    for pairing in outcome.pairings:
        bought[pairing.buy.market_id, pairing.buy.delivery_start].append(pairing)
        sold[pairing.sell.market_id, pairing.sell.delivery_start].append(pairing)
    return [
        row_of(cell, price, bought[cell], sold[cell], batch, orders_count=taking_part[cell])
        for cell, price in sorted(outcome.prices.items())
        if price.is_traded
    ]


def row_of(
    cell: Cell,
    price: CellPrice,
    bought: Sequence[Pairing],
    sold: Sequence[Pairing],
    batch: Batch,
    *,
    orders_count: int,
) -> ClearingRow:
    """The clearing of a market and delivery interval, by the pairs that it bought and sold in."""
    return ClearingRow(
        id=new_id(),
        market_id=cell[0],
        delivery_start=cell[1],
        batch=batch.number,
        price_ueur_per_kwh=price.price_ueur_per_kwh,
        price_low_ueur_per_kwh=price.lowest_ueur_per_kwh,
        price_high_ueur_per_kwh=price.highest_ueur_per_kwh,
        bought_ukwh=sum(pairing.energy_ukwh for pairing in bought),
        sold_ukwh=sum(pairing.energy_ukwh for pairing in sold),
        welfare_ueur=surplus_ueur(bought, sold),
        bound_ueur=price.bound_ueur,
        congestion_rent_ueur=price.congestion_rent_ueur,
        class_prices=json.dumps(dict(price.class_prices)),
        parameters=json.dumps(dict(price.parameters)),
        orders_count=orders_count,
        input_digest=batch.input_digest,
        job_id=batch.job_id,
    )


def surplus_ueur(bought: Iterable[Pairing], sold: Iterable[Pairing]) -> int:
    """What buyers of a market would have paid, and its sellers gone without, beyond what they did; rounded half-even.

    surplus = sum over buys of (limit - price) x energy + sum over sells of (price - limit) x energy; never negative.
    Over linked markets, surpluses and congestion rents add up to the welfare of a clearing, whatever the pricing.
    """
    gained = sum((each.buy.limit_price_ueur_per_kwh - each.paid_ueur_per_kwh) * each.energy_ukwh for each in bought)
    gained += sum((each.got_ueur_per_kwh - each.sell.limit_price_ueur_per_kwh) * each.energy_ukwh for each in sold)
    return round_half_even(gained, MICRO)


async def _audit(session: AsyncSession, rows: Sequence[ClearingRow], batch: int, job_id: UUID | None) -> None:
    """One entry per market: its clearings of this batch, each with the energy bought and sold."""
    for market_id, cleared in groupby(rows, key=lambda row: row.market_id):
        facts = {"batch": batch, "clearings": [list(FIGURES(row)) for row in cleared]}
        actor, subject = f"job:{job_id}", ("Market", market_id)
        await entries.record(session, "market.clear", actor=actor, subject=subject, scope_id=market_id, facts=facts)


async def _announce(session: AsyncSession, book: Book, outcome: ClearingOutcome, rows: Sequence[ClearingRow]) -> None:
    """Ticks of all prices, the last price of each market, and which deliveries of its book changed."""
    volume = {row.cell: max(row.bought_ukwh, row.sold_ukwh) for row in rows}
    for market in book.coupling.markets:
        ticks = [
            Tick(start, price.price_ueur_per_kwh, kind_of(price), volume.get((market_id, start), 0))
            for (market_id, start), price in sorted(outcome.prices.items())
            if market_id == market.id
        ]
        await prices.announce(session, market.id, ticks)
        cleared = [tick for tick in ticks if tick.kind is TickKind.CLEARED]
        if cleared:
            last = {"last_price_ueur_per_kwh": cleared[0].price_ueur_per_kwh}  # Of the next delivery that was traded.
            await session.execute(update(Market).where(Market.id == market.id).values(last))
            changed = Period(cleared[0].delivery_start, cleared[-1].delivery_start + market.delivery)
            await changes.announce(session, market.id, changed)


def kind_of(price: CellPrice) -> TickKind:
    """Whether a price was paid."""
    return TickKind.CLEARED if price.is_traded else TickKind.INDICATIVE
