"""Fan-out of subscriptions: our server against a graphql-ws server, 1,000 and 10,000 sockets on one process.

    python -m tests.bench.live [--quick] [--rounds 3]

Writes docs/benchmarks.md; exit status 1 when a gate is missed.
"""

import argparse
import asyncio
import resource
import sys
from contextlib import ExitStack
from dataclasses import asdict
from uuid import UUID

import redis.asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench.graphql import data, servers
from tests.bench.live import following, judging
from tests.bench.live.measuring import Point, measure
from tests.bench.measuring import document, machine, running, tools
from tests.bench.measuring.gates import failed


def measure_all(rounds: int) -> list[Point]:
    """All rounds: both servers at the small number, ours at the large one."""
    points = []
    with ExitStack() as stack:
        place = servers.Place(*stack.enter_context(data.filled_cluster(data.SMALL)))
        redis_url = stack.enter_context(running.valkey())
        stack.enter_context(following.relay(place.url, redis_url))
        for number in range(rounds):
            for server, sockets in (("ours", judging.SOME), ("peer", judging.SOME), ("ours", judging.MANY)):
                measured = _of_ours if server == "ours" else _of_peer
                points.append(measured(place, redis_url, sockets, number))
                print(f"round {number + 1} {sockets:6,} sockets: {_told(points[-1])}", flush=True)
    return points


def _of_ours(place: servers.Place, redis_url: str, sockets: int, number: int) -> Point:
    market_id = place.ask("SELECT id FROM market ORDER BY id LIMIT 1")

    async def run(server: running.Server) -> Point:
        engine = create_async_engine(place.url)
        publisher = following.FeedPublisher(engine, UUID(market_id))
        try:
            return await measure(server, publisher, f"Market:{market_id}", sockets, number)
        finally:
            await engine.dispose()

    with servers.ours(place, redis_url) as server:
        return asyncio.run(run(server))


def _of_peer(place: servers.Place, redis_url: str, sockets: int, number: int) -> Point:
    market_id = place.ask("SELECT id FROM market ORDER BY id LIMIT 1")

    async def run(server: running.Server) -> Point:
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            publisher = following.RedisPublisher(client, UUID(market_id))
            return await measure(server, publisher, market_id, sockets, number)

    with following.graphql_ws(redis_url) as server:
        return asyncio.run(run(server))


def _told(point: Point) -> str:
    return (
        f"{point.server:10} {point.burst_per_s:9,.0f}/s  p50 {point.p50_ms:6.1f} ms  p99 {point.p99_ms:6.1f} ms  "
        f"dropped {point.dropped}  {point.kib_per_socket:5.1f} KiB each  connected in {point.connect_s:.1f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    facts = machine.facts()
    try:
        points = measure_all(1 if arguments.quick else arguments.rounds)
    except tools.Unavailable as reason:
        print(f"This bench cannot run here. {reason}")
        return 1
    document.keep("live", facts, [asdict(point) for point in points])
    document.write()
    for gate in judging.gates(points):
        print(f"{gate.title:40} {gate.measured:10.3f} {gate.wanted:>8}  {gate.verdict}")
    return 1 if failed(judging.gates(points)) else 0


if __name__ == "__main__":
    sys.exit(main())
