"""Messages are made of notices: for each in its user's language, with the deliveries that its user wants."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.events.notices import NoticeKind
from domain.events.tables import Notice
from domain.kernel import sql
from domain.kernel.database import among, new_id
from domain.notifications import preferences
from domain.notifications.messages import stream_of
from domain.notifications.preferences import Preferences
from domain.notifications.tables import Delivery, Message, NotificationChannel, Webhook
from domain.notifications.telling import circumstances, texts
from domain.notifications.telling.circumstances import Reader

IN_APP, MAIL, WEBHOOK = NotificationChannel.IN_APP, NotificationChannel.MAIL, NotificationChannel.WEBHOOK


@dataclass(frozen=True, slots=True)
class Receivers:
    """What is known of the users of some notices: who may still be told, what they want, and their web hooks."""

    readers: Mapping[UUID, Reader]
    preferences: Preferences
    webhooks: Mapping[UUID, Sequence[Webhook]]

    def of(self, user_id: UUID, kind: NoticeKind) -> Sequence[Webhook]:
        """The web hooks that get a kind of message."""
        if not self.preferences.wants(user_id, kind, WEBHOOK):
            return ()
        return [webhook for webhook in self.webhooks.get(user_id, ()) if kind.value in webhook.kinds]


async def take_notices(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Make messages of open notices and of each the deliveries it needs; gives how many notices were taken.

    Several may take at once: each takes notices that no other holds. A notice of a kind that is not known here is
    left for who knows it.
    """
    notices = await _open(session, limit)
    if not notices:
        return 0
    receivers = await _receivers(session, {notice.user_id for notice in notices})
    told_of = [notice for notice in notices if notice.user_id in receivers.readers]
    facts = await circumstances.of(session, told_of)
    rows = [_row(notice, facts[notice.id], receivers) for notice in told_of]
    deliveries = [each for row in rows for each in _deliveries(row, receivers, now)]
    told = [row for row in rows if row["is_in_app"] or any(each["message_id"] == row["id"] for each in deliveries)]
    if told:
        await session.execute(insert(Message).on_conflict_do_nothing(), told)
    if deliveries:
        await session.execute(insert(Delivery).on_conflict_do_nothing(), deliveries)
    await _announce(session, told)
    taken = [notice.id for notice in notices]
    await session.execute(update(Notice).where(among(Notice.id, taken)).values(taken_at=now))
    return len(notices)


async def _open(session: AsyncSession, limit: int) -> Sequence[Notice]:
    query = select(Notice).where(Notice.taken_at.is_(None), among(Notice.kind, [kind.value for kind in NoticeKind]))
    return (await session.scalars(query.order_by(Notice.id).limit(limit).with_for_update(skip_locked=True))).all()


async def _receivers(session: AsyncSession, user_ids: Collection[UUID]) -> Receivers:
    ids = sorted(user_ids)
    readers = await circumstances.readers(session, ids)
    live = select(Webhook).where(
        among(Webhook.owner_id, ids), Webhook.disabled_at.is_(None), Webhook.removed_at.is_(None)
    )
    webhooks: dict[UUID, list[Webhook]] = {}
    for webhook in await session.scalars(live.order_by(Webhook.id)):
        webhooks.setdefault(webhook.owner_id, []).append(webhook)
    return Receivers(readers, await preferences.read(session, ids), webhooks)


def _row(notice: Notice, facts: Mapping[str, Any], receivers: Receivers) -> dict[str, Any]:
    kind = NoticeKind(notice.kind)
    text = texts.render(kind, facts, circumstances.format_for(receivers.readers[notice.user_id], facts))
    return {
        "id": notice.id,
        "user_id": notice.user_id,
        "kind": kind,
        "title": text.title,
        "body": text.body,
        "facts": notice.facts,
        "is_in_app": receivers.preferences.wants(notice.user_id, kind, IN_APP),
        "created_at": notice.created_at,
    }


def _deliveries(row: Mapping[str, Any], receivers: Receivers, now: datetime) -> Iterable[dict[str, Any]]:
    """The deliveries of a message, each due at once; quiet hours are looked at when they are taken."""
    owner_id, kind = row["user_id"], row["kind"]
    common = {"owner_id": owner_id, "message_id": row["id"], "created_at": now, "next_attempt_at": now}
    if receivers.preferences.wants(owner_id, kind, MAIL):
        yield {"id": new_id(), "channel": MAIL, "webhook_id": None, **common}
    for webhook in receivers.of(owner_id, kind):
        yield {"id": new_id(), "channel": WEBHOOK, "webhook_id": webhook.id, **common}


async def _announce(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append the messages that are shown in the app to the streams of their users."""
    news: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["is_in_app"]:
            news.setdefault(stream_of(row["user_id"]), []).append({"message_id": str(row["id"])})
    if news:
        await sql.write(session, feed.appending(news))
