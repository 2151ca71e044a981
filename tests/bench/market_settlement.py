"""Settlement of deliveries: trades per second, durable (fsync on), from readings to money in the ledger.

Each trade has a fee with VAT for both sides, a network charge and a penalty, so a version has up to eight lines and a
transfer of six entries; a tenth of the sellers fall short. A look reads the hour, delivers it, and records 2,000 trades
a transaction, as the job does; measured is the whole look. Afterwards `verify` must find nothing, and to look again
must change nothing.

Gate: 5,000 trades/s (median of hours). Run: python -m tests.bench.market_settlement [--gate 5000] [--trades 20000]
[--hours 3]; exits 1 below the gate. It makes a durable throw-away copy of the migrated cluster.
"""

import argparse
import asyncio
import sys
from datetime import UTC, date, datetime, timedelta
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import uvloop
from sqlalchemy import text

from api.jobs.turns import Turns
from api.market.delivery.jobs import settle_hour
from api.resources.database import Database, connect
from bin.devstack import migrated, postgres
from bin.devstack.installation import require_postgis
from domain.audit import entries
from domain.kernel.database import new_id
from domain.market.delivery import verification
from domain.market.places.tables import ChargeKind, OrderSide
from domain.metering import readings
from domain.metering.days import ReadingDay, blocks_of
from domain.metering.tables import Direction, Quality
from tests.factories.deliveries import Party, a_charge, a_party, a_trade
from tests.factories.market import a_market

DAY = date(2026, 11, 10)
FIRST_HOUR = datetime(2026, 11, 10, 8, tzinfo=UTC)
USERS, PENALTY_UEUR, QUARTERS = 500, 50_000, 4
HOUR = timedelta(hours=1)


class Work:
    """What a job gives a look: the database, and a thread to solve in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.id = new_id()

    async def solve(self, solver: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(solver, *arguments)


async def prepare(database: Database, hours: int, trades: int) -> UUID:
    """A market with charges, parties with meters, and trades of some hours, all in escrow."""
    async with database.transaction() as session:
        market = await a_market(session, penalty_ueur_per_kwh=PENALTY_UEUR)
        for payer in (OrderSide.BUY, OrderSide.SELL):
            await a_charge(session, market, ChargeKind.FEE, payer, "0.004", vat_ppm=220_000)
        await a_charge(session, market, ChargeKind.NETWORK, OrderSide.BUY, "0.02")
        parties = [await a_party(session) for _ in range(USERS)]
        first = await a_trade(session, market, parties[0], parties[1], "0.001", start=FIRST_HOUR - HOUR)
    await _read(database, parties, trades)
    for hour in range(hours):
        async with database.transaction() as session:
            given = {"template": first.id, "count": trades, "start": FIRST_HOUR + hour * HOUR, "market": market}
            users = {"users": [party.user_id for party in parties]}
            for statement in TRADES:
                await session.execute(text(statement), given | users)
    return market


async def _read(database: Database, parties: list[Party], trades: int) -> None:
    """Enough for all, but a tenth of the sellers has but half."""
    each = np.full(96, 1_000_000 * (trades // QUARTERS // USERS * 4), np.int64)
    days = [
        ReadingDay(party.point.id, way, DAY, Quality.MEASURED, each // (40 if number % 10 == 0 else 1))
        for number, party in enumerate(parties)
        for way in Direction
    ]
    async with database.transaction() as session:
        await readings.record_days(session, blocks_of(days), source="bench", sender="bench")


# Trades between users in turn, with what a clearing would have left: money from outside straight into escrow.
TRADES = (
    """CREATE TEMPORARY TABLE made ON COMMIT DROP AS
       SELECT gen_random_uuid() AS id, gen_random_uuid() AS deposit_id, gen_random_uuid() AS escrow_id, n,
              (CAST(:users AS uuid[]))[1 + n % cardinality(CAST(:users AS uuid[]))] AS seller_id,
              (CAST(:users AS uuid[]))[1 + (n * 7 + 3) % cardinality(CAST(:users AS uuid[]))] AS buyer_id,
              CAST(:start AS timestamptz) + (n % 4) * interval '15 minutes' AS delivery_start
       FROM generate_series(1, CAST(:count AS int)) AS n""",
    """UPDATE made SET buyer_id = (CAST(:users AS uuid[]))[1 + (n * 7 + 4) % cardinality(CAST(:users AS uuid[]))]
       WHERE buyer_id = seller_id""",
    """INSERT INTO clearing (id, market_id, delivery_start, batch, price_ueur_per_kwh, price_low_ueur_per_kwh,
                             price_high_ueur_per_kwh, bought_ukwh, sold_ukwh, welfare_ueur, orders_count, input_digest)
       SELECT gen_random_uuid(), :market, delivery_start, 0, 200000, 200000, 200000, count(*) * 1000000,
              count(*) * 1000000, 0, count(*), 'bench' FROM made GROUP BY delivery_start""",
    """INSERT INTO trade (id, market_id, seller_market_id, clearing_id, delivery_start, delivery_end, energy_ukwh,
                          price_ueur_per_kwh, seller_price_ueur_per_kwh, buy_order_id, sell_order_id, buyer_id,
                          seller_id, source, buyer_escrow_ueur, seller_escrow_ueur)
       SELECT made.id, :market, :market, clearing.id, made.delivery_start, made.delivery_start + interval '15 minutes',
              1000000, 200000 + n % 100 * 100, 200000 + n % 100 * 100, buy_order_id, sell_order_id, made.buyer_id,
              made.seller_id, CASE WHEN n % 2 = 0 THEN 'SOLAR' END, 250000, 50000
       FROM made CROSS JOIN trade AS template
       JOIN clearing ON clearing.market_id = :market AND clearing.delivery_start = made.delivery_start
       WHERE template.id = :template""",
    """INSERT INTO transfer (id, kind, phase, reference, subject_type, subject_id, actor, made_at)
       SELECT deposit_id, 'DEPOSIT', 'POSTED', 'bench:' || id, NULL::text, NULL::uuid, 'bench', now() FROM made
       UNION ALL SELECT escrow_id, 'ESCROW', 'PENDING', 'trade:' || id, 'Trade', id, 'bench', now() FROM made""",
    """INSERT INTO ledger_entry (id, transfer_id, account_id, holder_id, amount_ueur)
       SELECT gen_random_uuid(), entry.transfer_id, account.id, account.holder_id, entry.amount_ueur
       FROM made CROSS JOIN LATERAL (VALUES
            (deposit_id, NULL::uuid, 'EXTERNAL', -300000), (deposit_id, buyer_id, 'HELD', 250000),
            (deposit_id, seller_id, 'HELD', 50000), (escrow_id, buyer_id, 'HELD', -250000),
            (escrow_id, seller_id, 'HELD', -50000), (escrow_id, CAST(:market AS uuid), 'ESCROW', 300000))
            AS entry (transfer_id, holder, kind, amount_ueur)
       JOIN account ON account.kind = entry.kind
            AND coalesce(account.owner_id, account.scope_id) IS NOT DISTINCT FROM entry.holder""",
)


async def bench(url: str, gate: float, trades: int, hours: int) -> int:
    database = connect(url, role="commonwatt_app", statement_seconds=None)
    await prepare(database, hours, trades)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
    work: Any = Work(database)
    turns = Turns()
    await settle_hour(work, FIRST_HOUR - HOUR)
    reached = []
    for hour in range(hours):
        began = perf_counter()
        with turns.job():  # As in a worker.
            await settle_hour(work, FIRST_HOUR + hour * HOUR)
            reached.append(trades / (perf_counter() - began))
        print(f"hour {hour}: {reached[-1]:,.0f} trades/s", flush=True)
    found = await faults(database, work, trades * hours + 1)
    await database.close()
    if median(reached) < gate:
        found.append(f"{median(reached):,.0f} trades/s, gate {gate:,.0f}")
    for fault in found[:20]:
        print(f"missed: {fault}")
    return 1 if found else 0


async def faults(database: Database, work: Any, count: int) -> list[str]:
    """What is not as it must be after the runs, and after one look more."""
    await settle_hour(work, FIRST_HOUR)
    async with database.transaction() as session:
        facts = SimpleNamespace(**(await session.execute(text(FACTS))).one()._mapping)
        found = [f"{breach.chain} {breach.sequence}: {breach.reason}" async for breach in entries.verify(session)]
        found += [breach async for breach in verification.breaches(session)]
    if (facts.settled, facts.versions) != (count, count):
        found.append(f"{facts.settled} of {count} trades settled in {facts.versions} versions")
    if facts.escrow or facts.pending:
        found.append(f"{facts.escrow} micro-EUR in escrow, {facts.pending} escrows pending")
    print(f"{facts.settled:,} trades, {facts.lines:,} lines, {facts.entries:,} entries; {facts.short:,} fell short")
    return found


FACTS = """
SELECT (SELECT count(DISTINCT trade_id) FROM trade_delivery) AS settled,
       (SELECT count(*) FROM trade_delivery) AS versions,
       (SELECT count(*) FROM trade_delivery WHERE seller_short_ukwh > 0) AS short,
       (SELECT count(*) FROM delivery_line) AS lines,
       (SELECT count(*) FROM ledger_entry JOIN transfer ON transfer.id = transfer_id
        WHERE kind = 'SETTLEMENT') AS entries,
       (SELECT coalesce(sum(balance_ueur), 0) FROM account WHERE kind = 'ESCROW') AS escrow,
       (SELECT count(*) FROM transfer AS p WHERE p.kind = 'ESCROW'
        AND NOT EXISTS (SELECT FROM transfer WHERE resolves_id = p.id)) AS pending
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gate", type=float, default=5_000.0)
    parser.add_argument("--trades", type=int, default=20_000)
    parser.add_argument("--hours", type=int, default=3)
    given = parser.parse_args()
    installation = require_postgis()
    with migrated.socket_directory() as sockets:
        data = sockets / "data"
        migrated.copy_migrated_cluster(data, installation)
        with postgres.running(installation, data, postgres.DURABLE, sockets):
            url = migrated.url_on_socket(sockets)
            return uvloop.run(bench(url, given.gate, given.trades, given.hours))


if __name__ == "__main__":
    sys.exit(main())
