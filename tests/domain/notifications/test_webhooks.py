"""Web hooks: what may be registered, and what becomes of one."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.ledger.words import PAYMENT
from domain.market.auctions.words import AUCTION
from domain.market.delivery.words import CERTIFICATE
from domain.notifications import webhooks
from domain.notifications.addresses import PrivateAddress, UrlRefused
from domain.notifications.tables import (
    Delivery,
    NotificationOutcome,
    NotificationStatus,
    Webhook,
    WebhookDisabledReason,
    WebhookFeed,
)
from domain.notifications.webhooks import TooManyWebhooks, WebhookIsDisabled
from tests.factories.identity import a_user
from tests.factories.market import a_market
from tests.factories.notifications import NOW, URL, a_message, a_webhook

LOOPBACK = [ip_address("127.0.0.1")]


async def stored(session: AsyncSession, id: UUID) -> Webhook:
    return await session.get_one(Webhook, id, populate_existing=True)


async def acts(session: AsyncSession, webhook_id: UUID) -> list[str]:
    query = select(AuditEntry.act).where(AuditEntry.subject_id == webhook_id).order_by(AuditEntry.sequence)
    return list(await session.scalars(query))


async def test_a_web_hook_is_registered_with_a_secret_and_an_entry(session: AsyncSession) -> None:
    user = await a_user(session)

    webhook_id, secret = await a_webhook(session, user.id, kinds=[PAYMENT, AUCTION])

    webhook = await stored(session, webhook_id)
    assert (webhook.owner_id, webhook.url, webhook.kinds) == (user.id, URL, ["AUCTION", "PAYMENT"])
    assert (webhook.secret, webhook.created_at) == (secret, NOW)
    assert await acts(session, webhook_id) == ["webhook.register"]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"url": "http://hooks.example.org/"}, UrlRefused),
        ({"url": "https://"}, UrlRefused),
        ({"found": []}, PrivateAddress),
        ({"found": LOOPBACK}, PrivateAddress),
        ({"url": "https://127.0.0.1/", "found": LOOPBACK}, PrivateAddress),
        ({"kinds": []}, InvalidValue),
        ({"feeds": {new_id(): None}}, NotFound),
        ({"feeds": {new_id(): None for _ in range(21)}}, InvalidValue),
    ],
)
async def test_what_may_not_be_registered_is_refused(
    session: AsyncSession, given: dict[str, Any], refusal: type[DomainError]
) -> None:
    user = await a_user(session)

    with pytest.raises(refusal):
        async with session.begin_nested():
            await a_webhook(session, user.id, **given)

    assert (await session.scalars(select(Webhook.id).where(Webhook.owner_id == user.id))).all() == []


async def test_nobody_has_more_than_ten_and_a_removed_one_makes_room(session: AsyncSession) -> None:
    user = await a_user(session)
    first, _ = await a_webhook(session, user.id)
    for _ in range(webhooks.WEBHOOKS_MAX - 1):
        await a_webhook(session, user.id)

    with pytest.raises(TooManyWebhooks) as refused:
        await a_webhook(session, user.id)
    await webhooks.remove(session, user.id, first, now=NOW)
    await a_webhook(session, user.id)

    count = select(func.count()).where(Webhook.owner_id == user.id)
    assert refused.value.maximum == 10
    assert (await session.execute(count)).scalar_one() == 11


async def test_a_feed_starts_where_it_is_said(session: AsyncSession) -> None:
    user, markets = await a_user(session), [await a_market(session) for _ in range(3)]
    feeds: dict[UUID, int | None] = {markets[0]: None, markets[1]: 0, markets[2]: 99}

    webhook_id, _ = await a_webhook(session, user.id, kinds=[], feeds=feeds)

    rows = await session.execute(
        select(WebhookFeed.market_id, WebhookFeed.sequence).where(WebhookFeed.webhook_id == webhook_id)
    )
    assert {row.market_id: row.sequence for row in rows} == dict.fromkeys(markets, 0)  # Nothing is traded yet.


async def test_removal_wipes_secrets_and_drops_what_waits(session: AsyncSession) -> None:
    user = await a_user(session)
    webhook_id, _ = await a_webhook(session, user.id, kinds=[CERTIFICATE])
    await webhooks.rotate(session, user.id, webhook_id, now=NOW)
    await a_message(session, user.id, CERTIFICATE)

    await webhooks.remove(session, user.id, webhook_id, now=NOW)

    webhook = await stored(session, webhook_id)
    [kept] = await session.scalars(select(Delivery).where(Delivery.webhook_id == webhook_id))
    assert (webhook.secret, webhook.previous_secret, webhook.removed_at) == (b"", None, NOW)
    assert (kept.status, kept.outcome) == (NotificationStatus.GIVEN_UP, NotificationOutcome.DROPPED)
    assert await acts(session, webhook_id) == ["webhook.register", "webhook.rotate", "webhook.remove"]


async def test_anothers_web_hook_is_not_there(session: AsyncSession) -> None:
    ada, bob = await a_user(session), await a_user(session)
    webhook_id, secret = await a_webhook(session, ada.id)

    for act in (webhooks.rotate, webhooks.remove, webhooks.ask_for_test):
        with pytest.raises(NotFound):
            await act(session, bob.id, webhook_id, now=NOW)

    webhook = await stored(session, webhook_id)
    assert (webhook.secret, webhook.removed_at) == (secret, None)
    assert await acts(session, webhook_id) == ["webhook.register"]


async def test_a_test_is_asked_for_once_while_it_waits(session: AsyncSession) -> None:
    user = await a_user(session)
    webhook_id, _ = await a_webhook(session, user.id)

    ids = [await webhooks.ask_for_test(session, user.id, webhook_id, now=NOW) for _ in range(3)]

    assert len(set(ids)) == 1
    assert await acts(session, webhook_id) == ["webhook.register", "webhook.test"]


async def test_a_disabled_web_hook_is_neither_tested_nor_signed_anew(session: AsyncSession) -> None:
    user = await a_user(session)
    webhook_id, secret = await a_webhook(session, user.id)
    await webhooks.disable(session, webhook_id, WebhookDisabledReason.GONE, now=NOW)
    await webhooks.disable(session, webhook_id, WebhookDisabledReason.UNANSWERED, now=NOW + timedelta(hours=1))

    for act in (webhooks.rotate, webhooks.ask_for_test):
        with pytest.raises(WebhookIsDisabled) as refused:
            await act(session, user.id, webhook_id, now=NOW)
        assert (refused.value.disabled_at, refused.value.reason) == (NOW, WebhookDisabledReason.GONE)

    assert (await stored(session, webhook_id)).secret == secret
    assert await acts(session, webhook_id) == ["webhook.register", "webhook.disable"]


def test_keys_do_not_manage_web_hooks() -> None:
    with pytest.raises(NotAllowed):
        webhooks.require_person(Viewer(user_id=new_id(), api_key_id=new_id()))
