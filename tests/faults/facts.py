"""What the database holds after a run, as the checks look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from api.resources.database import Database


class Made(NamedTuple):
    """An order or a deposit: `mark` is its energy, micro-kWh, or its amount, micro-EUR."""

    id: UUID
    owner_id: UUID
    mark: int
    replaces_id: UUID | None = None
    status: str = ""


class Over(NamedTuple):
    """A trade whose delivery is over, with the versions of it and the transfers that resolved its escrow."""

    id: UUID
    versions: int
    settlements: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What was made, what was settled, and what the trades of each market are, in the order of their stream."""

    orders: Sequence[Made] = ()
    deposits: Sequence[Made] = ()
    over: Sequence[Over] = ()
    used_keys: frozenset[str] = frozenset()
    balance_ueur: int = 0
    trades: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


ORDERS = """SELECT id, owner_id, energy_ukwh, replaces_id, status FROM market_order ORDER BY id"""
DEPOSITS = """SELECT id, owner_id, amount_ueur, NULL::uuid, status FROM payment WHERE kind = 'DEPOSIT' ORDER BY id"""
OVER = """
    SELECT trade.id, (SELECT count(*) FROM trade_delivery WHERE trade_id = trade.id) AS versions,
           (SELECT count(*) FROM transfer WHERE subject_id = trade.id AND kind = 'SETTLEMENT') AS settlements
    FROM trade WHERE delivery_end <= :now ORDER BY id"""
TRADES = """
    SELECT market.id AS market_id, trade.id FROM market
    JOIN trade ON market.id IN (trade.market_id, trade.seller_market_id) ORDER BY trade.id"""
COUNTS = """
    SELECT (SELECT count(*) FROM market_order) AS orders, (SELECT count(DISTINCT batch) FROM clearing) AS batches,
           (SELECT count(*) FROM clearing) AS clearings, (SELECT count(*) FROM trade) AS trades,
           (SELECT count(*) FROM trade_delivery) AS settlements,
           (SELECT count(*) FROM delivery_hour WHERE looked_at IS NOT NULL) AS hours_looked_at,
           (SELECT count(*) FROM transfer) AS transfers,
           (SELECT count(*) FROM payment WHERE closed_at IS NOT NULL) AS payments,
           (SELECT count(*) FROM job WHERE status = 'SUCCEEDED') AS jobs_done,
           (SELECT count(*) FROM job WHERE status = 'SUCCEEDED' AND attempts > 1) AS jobs_taken_over,
           (SELECT count(*) FROM job WHERE status = 'FAILED') AS jobs_failed"""


async def read(database: Database, now: Any) -> Facts:
    """Everything, once nothing changes any more."""
    async with database.transaction() as session:
        trades: dict[UUID, list[UUID]] = {}
        for market_id, trade_id in await session.execute(text(TRADES)):
            trades.setdefault(market_id, []).append(trade_id)
        (counts,) = await session.execute(text(COUNTS))
        balance = await session.scalar(text("SELECT coalesce(sum(balance_ueur), 0)::bigint FROM account"))
        return Facts(
            orders=[Made(*row) for row in await session.execute(text(ORDERS))],
            deposits=[Made(*row) for row in await session.execute(text(DEPOSITS))],
            over=[Over(*row) for row in await session.execute(text(OVER), {"now": now})],
            used_keys=frozenset(await session.scalars(text("SELECT key FROM idempotency_key"))),
            balance_ueur=int(balance or 0),
            trades=trades,
            counts=dict(counts._mapping),
        )
