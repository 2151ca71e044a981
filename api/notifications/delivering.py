"""Deliver what is due: hand out, send, record. Nothing is held open in the database while something is sent."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid5

from api.identity import opening
from api.notifications import bodies, resolving
from api.notifications.mail import Mail, MailDirectory, MailServer, composed
from api.notifications.posting import Post, Resolve, posting_to
from api.notifications.subjects import Links
from api.resources import clock
from api.resources.database import Database
from api.resources.settings import Settings
from domain.events.tables import Event
from domain.market.clearing.tables import Trade
from domain.notifications import deliveries, feeds
from domain.notifications.addresses import Network
from domain.notifications.attempts import Result
from domain.notifications.deliveries import Attempt
from domain.notifications.feeds import Turn
from domain.notifications.tables import NotificationOutcome

AT_ONCE = 50  # Attempts of a round, all sent at the same time.
FEEDS_AT_ONCE = 20

Clock = Callable[[], datetime]


def _now() -> datetime:
    return clock.now()


@dataclass(frozen=True)
class Ways:
    """How mail and posts leave, and what time it is."""

    mail: Mail
    sender: str
    allowed: Sequence[Network] = ()
    resolve: Resolve = resolving.addresses_of
    clock: Clock = _now


def ways(configured: Settings) -> Ways:
    """The ways that the settings name."""
    Links.template = configured.link_template
    opening.begin(configured)
    smtp = configured.smtp_url
    mail: Mail = MailDirectory(configured.mail_directory) if smtp is None else MailServer(smtp)
    return Ways(mail, configured.mail_sender, configured.webhook_networks)


async def deliver_round(database: Database, ways: Ways) -> bool:
    """Make one round of attempts. Whether there was anything to do."""
    async with database.transaction() as session:
        attempts = await deliveries.hand_out(session, now=ways.clock(), limit=AT_ONCE)
    async with database.transaction() as session:
        turns = await feeds.hand_out(session, now=ways.clock(), limit=FEEDS_AT_ONCE)
    works: list[Coroutine[Any, Any, None]] = [_deliver(database, ways, attempt) for attempt in attempts]
    works += [_follow(database, ways, turn) for turn in turns]
    ended = await asyncio.gather(*works, return_exceptions=True)  # One that fails stops no other.
    for error in ended:
        if error is not None:
            raise error
    return bool(works)


async def _deliver(database: Database, ways: Ways, attempt: Attempt) -> None:
    result = await _sent(ways, attempt)
    async with database.transaction() as session:
        await deliveries.record(session, attempt, result, now=ways.clock())


async def _sent(ways: Ways, attempt: Attempt) -> Result:
    if attempt.receiver is not None:
        async with posting_to(attempt.receiver, ways.allowed, ways.resolve) as post:
            return await post.send(f"msg_{attempt.id}", bodies.of(attempt), now=ways.clock())
    assert attempt.message is not None
    try:
        mail = composed(attempt.id, attempt.message, attempt.email, ways.sender)
    except (ValueError, opening.NoLinks):
        return Result(NotificationOutcome.REJECTED, is_final=True)
    return await ways.mail.send(attempt.id, mail)


async def _follow(database: Database, ways: Ways, turn: Turn) -> None:
    """Send the trades of a turn one after the other, until one is not acknowledged."""
    async with posting_to(turn.receiver, ways.allowed, ways.resolve) as post:
        for event, trade in turn.events:
            if not await _send_trade(database, ways, turn, post, event, trade):
                return
    async with database.transaction() as session:
        await feeds.rest(session, turn, now=ways.clock())


async def _send_trade(database: Database, ways: Ways, turn: Turn, post: Post, event: Event, trade: Trade) -> bool:
    """Whether it was acknowledged, and the next one may be sent."""
    id = f"msg_{uuid5(turn.feed_id, str(event.sequence))}"
    result = await post.send(id, bodies.of_trade(event, trade), now=ways.clock())
    async with database.transaction() as session:
        if result.is_acknowledged:
            return await feeds.acknowledge(session, turn, event, result, now=ways.clock())
        await feeds.fail(session, turn, event, result, now=ways.clock())
    return False
