"""Trades of a market reach a web hook in the order of their stream, without gaps, with the subscription's cursors."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
import strawberry
from redis.asyncio import Redis
from sqlalchemy import select

from api.engine.declarations import global_id
from api.graphql.context import Context
from api.graphql.cursors import cursor_of, number_in
from api.graphql.schema import make_schema
from api.notifications.delivering import deliver_round
from api.resources.events import Hub
from domain.events import feed
from domain.identity.viewers import Viewer
from domain.market.clearing import trades
from domain.notifications import feeds, webhooks
from domain.notifications.attempts import LEASE, RETRY_AFTER
from domain.notifications.tables import NotificationOutcome, Webhook, WebhookDisabledReason, WebhookFeed
from tests.api.notifications.conftest import Post, Receiver
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, SELL, a_market, a_trader, an_order

TRADES = """
subscription Trades($market: ID!) { trades(marketId: $market, after: "") { cursor trade {
  id market { id } sellerMarket { id } clearing { id } deliveryStart deliveryEnd energyKwh price sellerPrice source
  createdAt } } }
"""
BUSY, NO_MORE = "503 Busy\r\ncontent-length: 0\r\n", "410 Gone\r\ncontent-length: 0\r\n"


async def a_feed(post: Post, receiver: Receiver, after: int | None = None) -> tuple[UUID, UUID, bytes]:
    """A market that a web hook follows, and its secret."""
    user_id = await post.somebody()
    async with post.database.transaction() as session:
        market_id = await a_market(session)
    _, secret = await post.webhook(user_id, receiver, kinds=[], feeds={market_id: after})
    return market_id, user_id, secret


async def trade(post: Post, market_id: UUID, *energies: str) -> None:
    """Trades in batches of their own."""
    for kwh in energies:
        async with post.database.transaction() as session:
            await an_order(session, await a_trader(session), market_id, BUY, kwh)
            await an_order(session, await a_trader(session), market_id, SELL, kwh)
            await clear(session, market_id)


def told(receiver: Receiver) -> list[str]:
    return [posted.content["data"]["trade"]["energyKwh"] for posted in receiver.posted]


async def stored(post: Post) -> WebhookFeed:
    async with post.database.sessions() as session:
        return (await session.scalars(select(WebhookFeed))).one()


async def test_trades_are_posted_once_in_their_order(post: Post, receiver: Receiver) -> None:
    market_id, _, secret = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2", "3")

    await post.deliver()
    await trade(post, market_id, "4")
    await post.deliver()
    await post.wait(timedelta(days=5))

    row = await stored(post)
    assert told(receiver) == ["1", "2", "3", "4"]
    assert (row.sequence, row.attempts, row.outcome) == (4, 0, NotificationOutcome.ACKNOWLEDGED)
    receiver.posted[0].verify(secret, post.now - timedelta(days=5))
    assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 4


async def test_a_post_is_what_the_subscription_tells(post: Post, receiver: Receiver) -> None:
    market_id, user_id, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1.5", "2")

    await post.deliver()

    schema: strawberry.Schema = make_schema()
    context = Context(post.database, Hub(post.database, cast(Redis, None)), Viewer(user_id=user_id))
    stream: Any = await schema.subscribe(
        TRADES, variable_values={"market": global_id("Market", market_id)}, context_value=context
    )
    async with asyncio.timeout(10), aclosing(stream):
        subscribed = [(await anext(stream)).data["trades"] for _ in range(2)]
    assert [posted.content["data"] for posted in receiver.posted] == subscribed
    assert {posted.content["type"] for posted in receiver.posted} == {"trade"}


async def test_a_trade_that_is_not_acknowledged_holds_back_those_behind_it(post: Post, receiver: Receiver) -> None:
    market_id, _, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2", "3")
    receiver.answers = ["204 No Content\r\n", BUSY, BUSY]

    await post.deliver()
    first = await stored(post)
    await post.wait(RETRY_AFTER[0])
    second = await stored(post)
    await post.wait(RETRY_AFTER[1])

    assert (first.sequence, first.outcome, first.status_code) == (1, NotificationOutcome.REJECTED, 503)
    assert second.next_attempt_at - first.next_attempt_at == RETRY_AFTER[1]
    assert told(receiver) == ["1", "2", "2", "2", "3"]
    assert (await stored(post)).sequence == 3


async def test_a_feed_that_answered_nothing_for_three_days_is_disabled_and_resumes_when_registered_anew(
    post: Post, receiver: Receiver
) -> None:
    market_id, user_id, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2")
    receiver.answers = ["204 No Content\r\n", *[BUSY] * (len(RETRY_AFTER) + 1)]
    await post.deliver()
    for delay in RETRY_AFTER:
        await post.wait(delay)
    async with post.database.sessions() as session:
        disabled = (await session.scalars(select(Webhook))).one()
    last = receiver.posted[0].content["data"]["cursor"]
    receiver.posted.clear()

    stream = trades.stream_of(market_id)
    await post.webhook(user_id, receiver, kinds=[], feeds={market_id: number_in(last, stream)})
    await trade(post, market_id, "3")
    await post.deliver()

    assert (disabled.disabled_at, disabled.disabled_reason) == (post.now, WebhookDisabledReason.UNANSWERED)
    assert told(receiver) == ["2", "3"]


async def test_a_feed_that_is_gone_is_disabled_at_once(post: Post, receiver: Receiver) -> None:
    market_id, _, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2")
    receiver.answers = [NO_MORE]

    await post.deliver()
    await post.wait(timedelta(days=1))

    async with post.database.sessions() as session:
        reason = (await session.scalars(select(Webhook.disabled_reason))).one()
    assert (told(receiver), reason) == (["1"], WebhookDisabledReason.GONE)


async def test_nothing_is_sent_once_it_is_removed(post: Post, receiver: Receiver) -> None:
    market_id, user_id, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1")
    await post.deliver()
    async with post.database.transaction() as session:
        [webhook_id] = await session.scalars(select(Webhook.id))
        await webhooks.remove(session, user_id, webhook_id, now=post.now)
    await trade(post, market_id, "2")

    await post.wait(timedelta(days=1))

    assert told(receiver) == ["1"]


async def test_killed_between_delivery_and_record_a_trade_is_sent_again_and_none_is_left_out(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    market_id, _, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2", "3")
    acknowledge, counted = feeds.acknowledge, 0

    async def die_at_the_second(*arguments: Any, **named: Any) -> bool:
        nonlocal counted
        counted += 1
        if counted == 2:
            await asyncio.sleep(3600)
        return await acknowledge(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(feeds, "acknowledge", die_at_the_second)
        killed = asyncio.create_task(deliver_round(post.database, post.ways))
        async with asyncio.timeout(10):
            while len(receiver.posted) < 2:
                await asyncio.sleep(0.01)
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
    await post.wait(LEASE)

    ids = [posted.headers["webhook-id"] for posted in receiver.posted]
    assert told(receiver) == ["1", "2", "2", "3"]
    assert ids[1] == ids[2]
    assert len(set(ids)) == 3


async def test_many_workers_keep_the_order(post: Post, receiver: Receiver) -> None:
    market_id, _, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2", "3", "4", "5")

    await asyncio.gather(*(post.deliver() for _ in range(4)))

    assert told(receiver) == ["1", "2", "3", "4", "5"]


async def test_one_connection_serves_all_trades_of_a_turn(post: Post, receiver: Receiver) -> None:
    market_id, _, _ = await a_feed(post, receiver)
    await trade(post, market_id, "1", "2", "3")

    await post.deliver()

    assert (len(receiver.posted), receiver.connections) == (3, 1)


async def test_a_cursor_ahead_of_the_stream_waits_for_no_number_that_never_comes(
    post: Post, receiver: Receiver
) -> None:
    market_id, _, _ = await a_feed(post, receiver, after=1_000)
    await trade(post, market_id, "1")

    await post.deliver()

    async with post.database.sessions() as session:
        [event] = await feed.after(session, trades.stream_of(market_id), 0, 10)
    assert [posted.content["data"]["cursor"] for posted in receiver.posted] == [cursor_of(event)]
