"""Drives the process that holds the sockets, and the servers that are followed."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import redis.asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bin.devstack.ports import any_free
from bin.devstack.processes import dying_with_parent
from domain.events import feed
from domain.kernel import tables as _all_tables  # noqa: F401 (foreign keys name tables of other contexts)
from domain.market.clearing import ticks as prices
from tests.bench.graphql.data import follower_token
from tests.bench.measuring import running, tools
from tests.bench.measuring.running import Server

OURS, PEER = "commonwatt", "graphql-ws"
QUERY = "subscription ($id: ID!) { priceTicks(marketId: $id) { cursor deliveryStart price kind volumeKwh } }"
DELIVERY_START = "2026-01-01T00:00:00+00:00"  # Long begun, so that no tick still stands for who comes later.
TOKENS = 100  # As many as may hold a hundred sockets each.


class Unheard(Exception):
    """Sockets were refused or did not hear an event."""


class Publisher(Protocol):
    """Tells a server of events; an event's number is its price in steps of 0.0001 EUR/kWh."""

    async def publish(self, events: Sequence[int]) -> None:
        """All at once, as fast as that goes."""


@dataclass(frozen=True, slots=True)
class FeedPublisher:
    """As a clearing does: ticks of one transaction in the durable feed; the running relay announces them."""

    engine: AsyncEngine
    market_id: UUID

    async def publish(self, events: Sequence[int]) -> None:
        ticks = [
            {
                "delivery_start": DELIVERY_START,
                "price_ueur_per_kwh": event * 100,
                "kind": prices.TickKind.CLEARED.value,
                "volume_ukwh": 1_000_000,
            }
            for event in events
        ]
        async with AsyncSession(self.engine) as session, session.begin():
            await feed.append(session, prices.stream_of(self.market_id), ticks)


@dataclass(frozen=True, slots=True)
class RedisPublisher:
    """The same ticks, ready to be shown, straight through Redis: nothing is stored."""

    redis: "redis.asyncio.Redis"
    market_id: UUID

    async def publish(self, events: Sequence[int]) -> None:
        pipeline = self.redis.pipeline(transaction=False)
        for event in events:
            tick = {
                "cursor": f"bench-{event:020}-{self.market_id}",
                "deliveryStart": DELIVERY_START,
                "price": f"{event / 10_000:.4f}",
                "kind": "CLEARED",
                "volumeKwh": "1",
            }
            pipeline.publish(f"bench:{self.market_id}", json.dumps(tick))
        await pipeline.execute()


class Followers:
    """The process with the sockets."""

    def __init__(self, process: asyncio.subprocess.Process, count: int) -> None:
        self.process = process
        self.count = count

    async def ask(self, what: str, **told: Any) -> dict[str, Any]:
        """One question and its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"ask": what} | told).encode() + b"\n")
        line = await self.process.stdout.readline()
        if not line:
            raise Unheard("the process with the sockets has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def connected(self, publisher: Publisher, seconds_max: float = 120) -> None:
        """Wait until every socket has heard an event. Raises Unheard."""
        deadline = time.monotonic() + seconds_max
        status = await self.ask("status")
        while status["ready"] < self.count and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            status = await self.ask("status")
        while status["heard"] < self.count and time.monotonic() < deadline:
            await publisher.publish([1])
            await asyncio.sleep(1)
            status = await self.ask("status")
        if status["heard"] < self.count:
            raise Unheard(f"of {self.count} sockets {status}")
        await self.ask("live")

    async def received(self, events: Sequence[int], seconds_max: float) -> int:
        """Wait until all have received all of some events, or long enough; gives the deliveries."""
        deadline = time.monotonic() + seconds_max
        while True:
            found: int = (await self.ask("counted", events=events))["deliveries"]
            if found >= self.count * len(events) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def followers(server: Server, market_id: str, count: int) -> AsyncIterator[Followers]:
    """Sockets that follow the prices of a market."""
    directory = tools.peers()
    shutil.copy(tools.PEERS / "sockets.mjs", directory)
    follow = {
        "port": server.port,
        "count": count,
        "tokens": [follower_token(number) for number in range(1, TOKENS + 1)],
        "query": QUERY,
        "variables": {"id": market_id},
    }
    process = await asyncio.create_subprocess_exec(
        tools.node(),
        "sockets.mjs",
        cwd=directory,
        env=os.environ | {"FOLLOW": json.dumps(follow)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
        preexec_fn=dying_with_parent(signal.SIGKILL),
    )
    try:
        yield Followers(process, count)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.contextmanager
def graphql_ws(redis_url: str) -> Iterator[Server]:
    """The graphql-ws server of `peers/graphql_ws.mjs` on Node 22."""
    directory, port = tools.peers(), any_free()
    shutil.copy(tools.PEERS / "graphql_ws.mjs", directory)
    environment = {"REDIS_URL": redis_url, "PORT": str(port), "NODE_ENV": "production"}
    command = [tools.node(), "graphql_ws.mjs"]
    with running.server(PEER, command, environment, port=port, directory=directory) as server:
        yield server


@contextlib.contextmanager
def relay(database_url: str, redis_url: str) -> Iterator[None]:
    """Our relay, which announces what the feed holds."""
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    with running.process("relay", [sys.executable, "-m", "api.relay"], environment):
        yield
