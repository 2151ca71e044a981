"""Points: one number of sockets on one server in one round, as a burst and at a steady pace."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from statistics import median

from tests.bench.live.following import Followers, Publisher, followers
from tests.bench.measuring import usage
from tests.bench.measuring.running import Server

BURST, BURSTS = 30, 3
PACED, PACE_PER_S = 40, 5
WARM_UP_SOCKETS = 20


@dataclass(frozen=True, slots=True)
class Point:
    """What one measurement gave. `sent` and `dropped` count deliveries at the steady pace."""

    server: str
    sockets: int
    round: int
    burst_per_s: float
    first_ms: float
    p50_ms: float
    p99_ms: float
    sent: int
    dropped: int
    dropped_in_bursts: int
    kib_per_socket: float
    server_cpu_us: float
    client_cpu_us: float
    connect_s: float
    retried: int


async def measure(server: Server, publisher: Publisher, market_id: str, sockets: int, number: int) -> Point:
    """Connect, burst, pace."""
    async with followers(server, market_id, WARM_UP_SOCKETS) as few:
        await few.connected(publisher)
    usage.wait_until_idle(server.process_id)
    empty = usage.rss_bytes(server.process_id)
    began = time.monotonic()
    async with followers(server, market_id, sockets) as held:
        await held.connected(publisher)
        connect_s = time.monotonic() - began
        events = count(10)
        before = usage.cpu_s(server.process_id), usage.cpu_s(held.process.pid)
        bursts = [await _burst(held, publisher, events) for _ in range(BURSTS)]
        after = usage.cpu_s(server.process_id), usage.cpu_s(held.process.pid)
        full = usage.rss_bytes(server.process_id)
        paced, latencies_ms = await _pace(held, publisher, events)
        status = await held.ask("status")
    deliveries = sum(received for _, received in bursts)
    server_us, client_us = (1e6 * (b - a) / max(deliveries, 1) for a, b in zip(before, after, strict=True))
    return Point(
        server=server.name,
        sockets=sockets,
        round=number,
        burst_per_s=median(rate for rate, _ in bursts),
        first_ms=latencies_ms["first_ms"],
        p50_ms=latencies_ms["p50_ms"],
        p99_ms=latencies_ms["p99_ms"],
        sent=PACED * sockets,
        dropped=PACED * sockets - paced + status["closed"],
        dropped_in_bursts=BURSTS * BURST * sockets - deliveries,
        kib_per_socket=(full - empty) / 1024 / sockets,
        server_cpu_us=server_us,
        client_cpu_us=client_us,
        connect_s=connect_s,
        retried=status["retried"],
    )


async def _burst(held: Followers, publisher: Publisher, events: Iterator[int]) -> tuple[float, int]:
    """Deliveries per second of events published together, from before they are, and how many arrived."""
    numbers = [next(events) for _ in range(BURST)]
    sent_ms = time.monotonic() * 1e3
    await publisher.publish(numbers)
    received = await held.received(numbers, seconds_max=60)
    report = await held.ask("report", sent=dict.fromkeys(numbers, sent_ms))
    return received / (report["last_ms"] - sent_ms) * 1e3, received


async def _pace(held: Followers, publisher: Publisher, events: Iterator[int]) -> tuple[int, dict[str, float]]:
    """Deliveries at a steady pace, and their latencies from before each event is published."""
    sent = {}
    due = time.monotonic()
    for _ in range(PACED):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        number = next(events)
        sent[number] = time.monotonic() * 1e3
        await publisher.publish([number])
        due += 1 / PACE_PER_S
    received = await held.received(list(sent), seconds_max=20)
    return received, await held.ask("report", sent=sent)
