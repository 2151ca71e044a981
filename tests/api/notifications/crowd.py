"""The first message goes to all web hooks, the first web hook gets all messages and follows all markets."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.ledger.words import PAYMENT
from domain.market.places.tables import Market
from domain.notifications import tables
from tests.api.crowd import MANY, START, Crowd, ids, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Messages, web hooks, deliveries and feeds."""
    user_id, *_ = await ids(session, User)
    told = {"kind": PAYMENT, "title": "x", "body": "x", "facts": {}, "is_in_app": True}
    messages = await stored(session, [tables.Message(user_id=user_id, created_at=START, **told) for _ in range(MANY)])
    hook = {"url": "https://example.org/", "kinds": ["PAYMENT"], "secret": b"x"}
    webhooks = await stored(session, [tables.Webhook(owner_id=user_id, **hook) for _ in range(MANY)])
    channels, due = tables.NotificationChannel, {"owner_id": user_id, "next_attempt_at": START}
    pairs = [(messages[0], webhook) for webhook in webhooks] + [(each, webhooks[0]) for each in messages[1:]]
    posts = [{"channel": channels.WEBHOOK, "message_id": m.id, "webhook_id": w.id} for m, w in pairs]
    mails = [{"channel": channels.MAIL, "message_id": each.id} for each in messages]
    await stored(session, [tables.Delivery(**each, **due) for each in posts + mails])
    follows = [(webhooks[0].id, id) for id in await ids(session, Market)]
    await stored(
        session,
        [
            tables.WebhookFeed(webhook_id=webhook_id, market_id=id, stream=f"market:{id}:trades", sequence=0, **due)
            for webhook_id, id in follows
        ],
    )
