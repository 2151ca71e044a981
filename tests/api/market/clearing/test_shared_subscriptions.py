"""Subscriptions to a market over a real feed: two processes, one statement for all viewers, memberships that change."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from api.engine.declarations import global_id
from api.graphql import sights
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources import database, events
from api.resources.database import Database
from api.resources.events import Hub, channel_of
from api.transport.http.app import GraphQLApp, build_graphql_app
from api.transport.terms.settings import TransportSettings
from domain.communities import sight
from domain.events import feed
from domain.identity import sessions
from domain.identity.tables import PlatformRole, UserRole
from domain.identity.viewers import Viewer
from domain.market.clearing import ticks as prices
from tests.api.transport.live_app import Reader, settle
from tests.factories.market import a_market, a_trader, first_delivery

TICKS = """
subscription Ticks($market: ID!, $after: String) { priceTicks(marketId: $market, after: $after) { cursor price } }
"""
ORDERS = "subscription Orders($market: ID!) { trades(marketId: $market) { trade { buyOrder { id } } } }"


class Process:
    """What one process of the API has for its subscriptions."""

    def __init__(self, url: str, redis_url: str) -> None:
        self.database = database.connect(url, role="commonwatt_app", pool=5)
        self.redis = Redis.from_url(redis_url)
        self.hub = Hub(self.database, self.redis)
        self.listening = asyncio.create_task(self.hub.listen())
        schema = make_schema()
        self.app: GraphQLApp = build_graphql_app(
            schema,
            authenticate=None,  # type: ignore[arg-type]  # Viewers are given here.
            make_context=self._context,
            settings=TransportSettings(),
            refresh=Context.refresh,
            sharing=sights.sharing(schema._schema, self.database),
        )

    def _context(self, connection: HTTPConnection, viewer: Viewer) -> Context:
        return Context(self.database, self.hub, viewer)

    def reader(self, viewer: Viewer, document: str = TICKS, **variables: Any) -> Reader:
        return Reader(self.app, document, viewer, **variables)

    async def close(self) -> None:
        self.listening.cancel()
        await asyncio.wait({self.listening})
        await self.redis.aclose()
        await self.database.close()


@pytest.fixture
async def processes(
    fresh_database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Process, Process]]:
    monkeypatch.setattr(events, "LOOK_S", 60)  # Only announcements wake.
    both = Process(fresh_database, redis_url), Process(fresh_database, redis_url)
    async with asyncio.timeout(10):
        while len(await both[0].redis.client_list(_type="pubsub")) < 2:
            await asyncio.sleep(0.01)
    yield both
    await settle()
    assert not any(process.hub.readers or process.app.execution.shares.open for process in both)
    for process in both:
        await process.close()


async def publish(process: Process, market: UUID, *prices_: int) -> None:
    """Ticks in one transaction, announced as the relay does."""
    ticks = [prices.Tick(first_delivery(), price * 1_000_000, prices.TickKind.CLEARED, 1) for price in prices_]
    async with process.database.transaction() as session:
        await prices.announce(session, market, ticks)
        news = await feed.take_unannounced(session, 10)
    for stream, sequence in news:
        await process.redis.publish(channel_of(stream), str(sequence))


async def signed_in(database: Database, user_id: UUID) -> Viewer:
    async with database.transaction() as session:
        token = (await sessions.open_session(session, user_id)).access_token
    async with database.reading() as connection:
        viewer = await sight.viewer_of(connection, token, now=datetime.now(UTC))
    assert viewer is not None
    return viewer


async def a_market_with_viewers(process: Process, count: int) -> tuple[UUID, list[Viewer]]:
    async with process.database.transaction() as session:
        market = await a_market(session)
        traders = [await a_trader(session) for _ in range(count)]
    return market, [await signed_in(process.database, trader.user_id) for trader in traders if trader.user_id]


async def prices_of(reader: Reader, count: int) -> list[str]:
    return [result["price"] for result in await has(reader, count)]


async def has(reader: Reader, count: int) -> list[Any]:
    """As `Reader.has`, with time for a database."""
    async with asyncio.timeout(10):
        while len(reader.results) < count:
            await asyncio.sleep(0.005)
    return reader.results


async def test_both_processes_tell_of_every_event_and_resume_each_others_cursors(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    market, viewers = await a_market_with_viewers(one, 2)
    id = global_id("Market", market)
    readers = [process.reader(viewer, market=id) for process in processes for viewer in viewers]
    await asyncio.gather(*(reader.is_live() for reader in readers))

    await publish(one, market, 1, 2)
    await publish(other, market, 3)
    told = [await prices_of(reader, 3) for reader in readers]
    cursor = readers[0].results[1]["cursor"]
    resumed = other.reader(viewers[0], market=id, after=cursor)
    resumed_told = await prices_of(resumed, 1)
    shares = [len(process.app.execution.shares.open) for process in processes]
    for reader in (*readers, resumed):
        await reader.leave()

    assert told == [["1", "2", "3"]] * 4
    assert resumed_told == ["3"]
    assert shares == [1, 1]


async def test_readers_of_one_market_ask_the_database_a_fixed_number_of_times(
    processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, _ = processes
    market, viewers = await a_market_with_viewers(process, 3)
    readers = [process.reader(viewers[i % 3], market=global_id("Market", market)) for i in range(60)]
    await asyncio.gather(*(reader.is_live() for reader in readers))
    asked: list[int] = []
    still_standing = sight.still_standing

    async def counted(fetch: Any, viewers: Any) -> Any:
        asked.append(len(viewers))
        return await still_standing(fetch, viewers)

    monkeypatch.setattr(sight, "still_standing", counted)

    await publish(process, market, *range(1, 21))
    told = {tuple(await prices_of(reader, 20)) for reader in readers}
    for reader in readers:
        await reader.leave()

    assert told == {tuple(str(price) for price in range(1, 21))}
    assert asked == [3]


async def test_whoever_comes_to_see_more_subscribes_again_where_that_matters(
    processes: tuple[Process, Process],
) -> None:
    process, _ = processes
    market, (viewer, ended) = await a_market_with_viewers(process, 2)
    id = global_id("Market", market)
    ticks, orders, leaving = (
        process.reader(viewer, market=id), process.reader(viewer, ORDERS, market=id), process.reader(ended, market=id),
    )  # fmt: skip
    await asyncio.gather(ticks.is_live(), orders.is_live(), leaving.is_live())
    async with process.database.transaction() as session:
        session.add(UserRole(user_id=viewer.user_id, role=PlatformRole.ADMIN))
        assert ended.session_id is not None
        await sessions.close(session, ended.session_id, everywhere=False)

    await publish(process, market, 1)
    async with process.database.transaction() as session:
        await feed.append(session, f"market:{market}:trades", [{"trade_id": str(market)}])
    process.hub.wake(*process.hub.readers)
    results = await prices_of(ticks, 1), await has(orders, 1), await has(leaving, 1)
    await ticks.leave()

    assert results == (["1"], [["SUBSCRIBE_AGAIN"]], [["UNAUTHENTICATED"]])
    assert (orders.end, leaving.end) == ("refused", "refused")
