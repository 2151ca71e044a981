"""How long the event loop of a worker stands still while it clears 100,000 open intervals: 96 x 20 zones x 80 links.

The book is cleared as the job does it: `Work.solve` runs `clear_book` in the worker's thread, under the worker's own
settings (`api.jobs.turns`), while a probe asks to be woken every millisecond and notes how late it is. A delay counts
as far as this process computed meanwhile, which leaves out some of what other programs take of the machine; all of it
is shown beside, as are rounds that only sleep in the thread. Prosumers sell in some intervals and buy in others.
Gate: in the median of the rounds the longest delay is within 5 ms.
Run: python -m tests.bench.market_stall [--rounds 7]; exits 1 when the gate is missed.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np

from api.jobs.turns import Turns
from api.jobs.work import Work
from api.market.clearing.bridge import clear_book
from domain.jobs.tables import Job
from domain.kernel.quantities import LOT_UKWH, TICK_UEUR_PER_KWH
from domain.market.clearing.book import Book, OpenInterval
from domain.market.places.markets import Coupling, Link, MarketInZone
from domain.market.places.tables import OrderSide
from solver.market.cells.problem import Side
from tests.bench.market_clearing import INTERVALS, ZONES, market
from tests.bench.measuring.gates import Gate, judge

ORDERS, OWNERS = 100_000, 5_000
STALL_MS_MAX = 5.0
PROBE_S = 0.001


def book() -> Book:
    """The market of `market_clearing` as a book of so many owners, each on one side in an interval."""
    problem = market(ORDERS, apart_ticks=300)
    orders, links = problem.orders, problem.links
    random = np.random.default_rng(7)
    owner = random.integers(0, OWNERS, ORDERS)
    is_buy = random.integers(0, 2, (OWNERS, INTERVALS))[owner, orders.interval] == Side.BUY
    zones = [UUID(int=1 + zone) for zone in range(ZONES)]
    markets = [MarketInZone(UUID(int=1_000 + at), zone, 5, 15, 0) for at, zone in enumerate(zones)]
    start = datetime(2027, 1, 1, tzinfo=UTC)
    columns = (orders.interval, orders.zone, owner, is_buy, orders.limit_price_ticks, orders.energy_wh)
    rows = [
        OpenInterval(
            order_id=UUID(int=10**6 + number),
            delivery_start=start + timedelta(minutes=15 * interval),
            market_id=UUID(int=1_000 + zone),
            owner_id=UUID(int=10**9 + seller_or_buyer),
            side=OrderSide.BUY if buys else OrderSide.SELL,
            limit_price_ueur_per_kwh=ticks * TICK_UEUR_PER_KWH,
            sequence=number,
            energy_ukwh=energy * LOT_UKWH,
            filled_ukwh=0,
            source=None,
        )
        for number, (interval, zone, seller_or_buyer, buys, ticks, energy) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
    rows.sort(key=lambda row: (row.delivery_start, row.sequence))
    ways = (links.from_zone, links.to_zone, links.capacity_wh * LOT_UKWH, links.cost_ticks * TICK_UEUR_PER_KWH)
    joined = [
        Link(zones[a], zones[b], capacity, cost)
        for a, b, capacity, cost in zip(*(way.tolist() for way in ways), strict=True)
    ]
    return Book(Coupling(tuple(zones), tuple(markets), tuple(joined)), tuple(rows), ())


@dataclass(frozen=True, slots=True)
class Round:
    """Longest delay of the event loop by the clock and as far as this process computed, and the solve's duration, s."""

    late: float
    late_computing: float
    took: float
    answer: Any


async def measure(solver: Callable[..., Any], *arguments: Any) -> Round:
    late: list[float] = []
    late_computing: list[float] = []
    is_over = asyncio.Event()

    async def probe() -> None:
        while not is_over.is_set():
            asked, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(PROBE_S)
            late.append(time.perf_counter() - asked - PROBE_S)
            late_computing.append(min(late[-1], time.process_time() - computed))

    probing = asyncio.create_task(probe())
    await asyncio.sleep(10 * PROBE_S)
    begin = time.perf_counter()
    answer = await Work(NO_DATABASE, NO_JOB).solve(solver, *arguments)
    took = time.perf_counter() - begin
    is_over.set()
    await probing
    return Round(max(late), max(late_computing), took, answer)


NO_DATABASE: Any = None  # A solve asks for neither.
NO_JOB = Job(arguments={}, attempts=1)


async def bench(rounds: int) -> int:
    read = book()
    with Turns().job():
        await measure(clear_book, read)
        cleared = [await measure(clear_book, read) for _ in range(rounds)]
        slept = [await measure(time.sleep, 0.2) for _ in range(rounds)]
    for name, done in (("clearing", cleared), ("sleeping", slept)):
        print(f"{name}: {1e3 * median(each.took for each in done):.0f} ms; longest delay of the loop in each round:")
        print("   by the clock       ", *(f"{1e3 * each.late:6.1f}" for each in done), "ms")
        print("   of this process    ", *(f"{1e3 * each.late_computing:6.1f}" for each in done), "ms")
    stall_ms = 1e3 * median(each.late_computing for each in cleared)
    return judge([Gate("milliseconds the event loop stands still", stall_ms, STALL_MS_MAX, is_least=False)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    return asyncio.run(bench(parser.parse_args().rounds))


if __name__ == "__main__":
    sys.exit(main())
