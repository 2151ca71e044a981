"""Ada and Bob are told something, and a web hook of each follows the market."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.ledger.words import PAYMENT
from domain.notifications import messages, tables
from tests.api.authorization.world import PERIOD, World
from tests.factories.notifications import a_webhook


async def add_rows(session: AsyncSession, world: World) -> None:
    """Web hooks, messages and deliveries."""
    market_id, at = world.rows["Market"]["north"], PERIOD[0]
    for name in ("ada", "bob"):
        user_id, row = world.rows["User"][name], f"{name}'s"
        webhook_id, _ = await a_webhook(session, user_id, feeds={market_id: 0})
        world.keep("Webhook", row, webhook_id)
        follows = select(tables.WebhookFeed.id).where(tables.WebhookFeed.webhook_id == webhook_id)
        world.keep("WebhookFeed", row, (await session.scalars(follows)).one())
        facts = {"payment_id": str(world.rows["Payment"]["ada's"])}
        told = {"kind": PAYMENT, "title": "x", "body": "x", "facts": facts, "is_in_app": True}
        message = tables.Message(user_id=user_id, created_at=at, **told)
        await world.store(session, "Notification", row, message)
        await feed.append(session, messages.stream_of(user_id), [{"message_id": str(message.id)}])
        way = {"channel": tables.NotificationChannel.WEBHOOK, "webhook_id": webhook_id, "next_attempt_at": at}
        delivery = tables.Delivery(owner_id=user_id, message_id=message.id, **way)
        await world.store(session, "NotificationDelivery", row, delivery)
