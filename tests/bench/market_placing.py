"""Sustained placing of orders in one market, in process and durable (fsync on): 32 callers, each waits for its answer.

Compared, each order with its key, checks, interval, audit entry and event, answered after its commit:

- together: as the API does, whatever arrived while the last transaction ran shares the next one;
- alone: the same statements, but a transaction for each order (queues that take one request at a time, ten side by
  side as ten sessions were), for information.

They run in turns; medians of rounds. Afterwards every order answered for must be there, and `verify` must find nothing.
Gate: 1,000 orders/s together. Run: python -m tests.bench.market_placing [--gate 1000] [--seconds 5] [--callers 32];
exits 1 below the gate. It makes a durable throw-away copy of the migrated cluster.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from itertools import count
from statistics import median, quantiles
from time import perf_counter
from uuid import UUID

import uvloop
from sqlalchemy import select

from api.market.orders.placing import Queue
from api.resources.database import Database, connect
from bin.devstack import migrated, postgres
from bin.devstack.installation import require_postgis
from domain.audit import entries
from domain.events import verification as events
from domain.identity.viewers import Viewer
from domain.kernel.verification import checks
from domain.market.orders.placements import Request
from domain.market.orders.tables import Order
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_proposal, a_trader

ROUNDS, TRADERS, ALONE = 3, 100, 10


class Bench:
    """Callers who place orders in one market, and all orders that they were told of."""

    def __init__(self, database: Database, market_id: UUID, traders: Sequence[Viewer]) -> None:
        self.ways = {
            "together": [Queue(database)],
            "alone": [Queue(database, together_max=1) for _ in range(ALONE)],
        }
        self.market_id = market_id
        self.traders = traders
        self.placed: list[UUID] = []
        self.numbers = count()

    async def run(self, way: str, callers: int, seconds: float) -> float:
        """Orders per second; tells latencies too."""
        waits: list[float] = []
        began = perf_counter()
        queues = self.ways[way]
        calling = [self._call(queues[n % len(queues)], began + seconds, waits) for n in range(callers)]
        await asyncio.gather(*calling)
        per_s = len(waits) / (perf_counter() - began)
        cuts = quantiles(waits, n=100)
        print(f"{way:8} {per_s:7,.0f} orders/s, p50 {1e3 * cuts[49]:6.2f} ms, p99 {1e3 * cuts[98]:6.2f} ms", flush=True)
        return per_s

    async def _call(self, queue: Queue, until: float, waits: list[float]) -> None:
        while perf_counter() < until:
            request = self._request(next(self.numbers))
            asked = perf_counter()
            self.placed.append(await queue.place(request))
            waits.append(perf_counter() - asked)

    def _request(self, number: int) -> Request:
        side, delivery = (BUY, SELL)[number % 2], a_delivery(number % 96)
        proposal = a_proposal(self.market_id, side, "1.5", f"0.{1_000 + number % 1_000}", delivery=delivery)
        return Request(self.traders[number % len(self.traders)], f"order {number}", proposal)


async def faults(database: Database, placed: Sequence[UUID]) -> list[str]:
    """What is not as it must be after the runs."""
    async with database.transaction() as session:
        stored = set(await session.scalars(select(Order.id)))
        found = [f"{breach.chain} {breach.sequence}: {breach.reason}" async for breach in entries.verify(session)]
        found += [breach async for breach in events.breaches(session)]
        found += [breach async for breach in checks()["I1 energy, market"](session)]
    lost = len(set(placed) - stored)
    return found + ([f"{lost} orders were answered for and are not there"] if lost else [])


async def bench(url: str, gate: float, seconds: float, callers: int) -> int:
    database = connect(url, role="commonwatt_app", statement_seconds=None)
    async with database.transaction() as session:
        market, traders = await a_market(session), [await a_trader(session) for _ in range(TRADERS)]
    placing = Bench(database, market, traders)
    await placing.run("together", callers, 1)
    reached: dict[str, list[float]] = {way: [] for way in placing.ways}
    for _ in range(ROUNDS):
        for way, per_s in reached.items():
            per_s.append(await placing.run(way, callers, seconds))
    found = await faults(database, placing.placed)
    await database.close()
    together, alone = (median(reached[way]) for way in ("together", "alone"))
    print(f"together {together:,.0f} orders/s, alone {alone:,.0f}; {together / alone:.1f} times as many")
    if together < gate:
        found.append(f"{together:,.0f} orders/s, gate {gate:,.0f}")
    for fault in found:
        print(f"missed: {fault}")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gate", type=float, default=1_000.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--callers", type=int, default=32)
    given = parser.parse_args()
    installation = require_postgis()
    with migrated.socket_directory() as sockets:
        data = sockets / "data"
        migrated.copy_migrated_cluster(data, installation)
        with postgres.running(installation, data, postgres.DURABLE, sockets):
            url = migrated.url_on_socket(sockets)
            return uvloop.run(bench(url, given.gate, given.seconds, given.callers))


if __name__ == "__main__":
    sys.exit(main())
