"""Messages are made of notices once, by what their users want, and read by them."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from domain.events import feed, notices
from domain.events.notices import NewNotice, NoticeKind
from domain.events.tables import Notice
from domain.kernel.database import new_id
from domain.kernel.errors import NotFound
from domain.ledger.words import PAYMENT
from domain.market.delivery.words import CERTIFICATE
from domain.notifications import making, messages, preferences, webhooks
from domain.notifications.tables import Delivery, Message, NotificationChannel, NotificationStatus
from tests.conftest import AS_THE_APPLICATION
from tests.factories.identity import a_user
from tests.factories.notifications import NOW, a_message, a_notice, a_webhook, take

IN_APP, MAIL, WEBHOOK = NotificationChannel.IN_APP, NotificationChannel.MAIL, NotificationChannel.WEBHOOK


async def channels(session: AsyncSession, user_id: UUID) -> set[tuple[NotificationChannel, UUID | None]]:
    rows = await session.execute(select(Delivery.channel, Delivery.webhook_id).where(Delivery.owner_id == user_id))
    return {(channel, webhook_id) for channel, webhook_id in rows}


@pytest.mark.parametrize("kind", NoticeKind)
async def test_every_kind_of_notice_becomes_a_message(session: AsyncSession, kind: NoticeKind) -> None:
    user = await a_user(session)

    message = await a_message(session, user.id, kind, amount_ueur=5)

    assert (message.kind, message.facts, message.read_at) == (kind, {"amount_ueur": 5}, None)
    assert message.is_in_app is not kind.is_letter
    assert (await session.scalars(select(Notice.taken_at).where(Notice.id == message.id))).one() == NOW


async def test_messages_are_appended_to_the_stream_of_their_user(session: AsyncSession) -> None:
    ada, bob = await a_user(session), await a_user(session)
    for user in (ada, bob, ada):
        await a_notice(session, user.id)

    taken = await take(session)

    events = await feed.after(session, messages.stream_of(ada.id), 0, 10)
    mine = select(Message.id).where(Message.user_id == ada.id).order_by(Message.id)
    assert taken == 3
    assert [event.payload for event in events] == [{"message_id": str(id)} for id in await session.scalars(mine)]
    assert await feed.last_sequence(session, messages.stream_of(bob.id)) == 1


async def test_taking_twice_makes_nothing_twice(session: AsyncSession) -> None:
    user = await a_user(session)
    await a_message(session, user.id)

    again = await take(session)

    assert again == 0
    assert len((await session.scalars(select(Message.id).where(Message.user_id == user.id))).all()) == 1
    assert await channels(session, user.id) == {(MAIL, None)}
    assert await feed.last_sequence(session, messages.stream_of(user.id)) == 1


async def test_two_that_take_at_once_take_each_notice_once(fresh_database: str) -> None:
    engine: AsyncEngine = create_async_engine(fresh_database, connect_args=AS_THE_APPLICATION)
    async with AsyncSession(engine) as first, AsyncSession(engine) as second:
        for _ in range(3):  # Of three users, as two notices of one wait for each other at the user's stream.
            await a_notice(first, (await a_user(first)).id)
        await first.commit()

        counts = [await making.take_notices(first, now=NOW, limit=2), 0]
        counts[1] = await making.take_notices(second, now=NOW, limit=100)
        await second.rollback()  # As one that was killed before it committed.
        await first.commit()
        rest = await making.take_notices(second, now=NOW, limit=100)
        await second.commit()

        made = (await second.scalars(select(Message.id))).all()
        assert (counts, rest, len(made)) == ([2, 1], 1, 3)
    await engine.dispose()


async def test_mail_comes_for_some_kinds_only_unless_it_is_wanted(session: AsyncSession) -> None:
    user = await a_user(session)

    await a_message(session, user.id, CERTIFICATE)
    usual = await channels(session, user.id)
    await preferences.set_preference(session, user.id, CERTIFICATE, MAIL, is_wanted=True)
    await a_message(session, user.id, CERTIFICATE)

    assert usual == set()
    assert await channels(session, user.id) == {(MAIL, None)}


async def test_what_is_wanted_by_mail_only_is_not_in_the_app(session: AsyncSession) -> None:
    user = await a_user(session)
    await preferences.set_preference(session, user.id, PAYMENT, IN_APP, is_wanted=False)

    message = await a_message(session, user.id)

    assert message.is_in_app is False
    assert await channels(session, user.id) == {(MAIL, None)}
    assert await messages.unread_count(session, user.id) == 0
    assert await feed.last_sequence(session, messages.stream_of(user.id)) == 0


async def test_what_is_wanted_nowhere_becomes_no_message(session: AsyncSession) -> None:
    user = await a_user(session)
    for channel in (IN_APP, MAIL):
        await preferences.set_preference(session, user.id, PAYMENT, channel, is_wanted=False)
    await a_notice(session, user.id)

    taken = await take(session)

    assert taken == 1
    assert (await session.scalars(select(Message.id).where(Message.user_id == user.id))).all() == []


async def test_web_hooks_get_the_kinds_they_name(session: AsyncSession) -> None:
    user, other = await a_user(session), await a_user(session)
    named, _ = await a_webhook(session, user.id, kinds=[CERTIFICATE, PAYMENT])
    await a_webhook(session, user.id, kinds=[PAYMENT])
    await a_webhook(session, other.id, kinds=[CERTIFICATE])
    removed, _ = await a_webhook(session, user.id, kinds=[CERTIFICATE])
    await webhooks.remove(session, user.id, removed, now=NOW)

    await a_message(session, user.id, CERTIFICATE)

    assert await channels(session, user.id) == {(WEBHOOK, named)}


async def test_a_preference_against_web_hooks_holds_for_all_of_them(session: AsyncSession) -> None:
    user = await a_user(session)
    await a_webhook(session, user.id, kinds=[CERTIFICATE])
    await preferences.set_preference(session, user.id, CERTIFICATE, WEBHOOK, is_wanted=False)

    await a_message(session, user.id, CERTIFICATE)

    assert await channels(session, user.id) == set()


async def test_nobody_is_told_who_is_disabled_or_not_there(session: AsyncSession) -> None:
    gone = await a_user(session, disabled_at=NOW)
    for user_id in (gone.id, new_id()):
        await a_notice(session, user_id)

    taken = await take(session)

    assert taken == 2
    assert (await session.scalars(select(Message.id).where(Message.user_id == gone.id))).all() == []


async def test_a_kind_that_is_not_known_here_is_left_for_who_knows_it(session: AsyncSession) -> None:
    user = await a_user(session)
    await notices.tell(session, [NewNotice(user.id, PAYMENT)])
    await session.execute(text("UPDATE notice SET kind = 'OF_TOMORROW' WHERE user_id = :id"), {"id": user.id})

    taken = await take(session)

    assert taken == 0
    assert (await session.scalars(select(Notice.taken_at).where(Notice.user_id == user.id))).all() == [None]


async def test_messages_are_marked_as_read_once(session: AsyncSession) -> None:
    user = await a_user(session)
    first, second = await a_message(session, user.id), await a_message(session, user.id)

    one = await messages.mark_read(session, user.id, [first.id], now=NOW)
    all_of_them = await messages.mark_read(session, user.id, None, now=NOW + timedelta(hours=1))

    read = select(Message.read_at).where(Message.user_id == user.id).order_by(Message.id)
    assert (one, all_of_them, await messages.unread_count(session, user.id)) == (1, 1, 0)
    assert (await session.scalars(read)).all() == [NOW, NOW + timedelta(hours=1)]
    assert second.id > first.id


async def test_anothers_message_is_not_marked(session: AsyncSession) -> None:
    ada, bob = await a_user(session), await a_user(session)
    mine, hers = await a_message(session, bob.id), await a_message(session, ada.id)

    with pytest.raises(NotFound):
        await messages.mark_read(session, bob.id, [mine.id, hers.id], now=NOW)

    assert await messages.unread_count(session, ada.id) == 1
    assert await messages.unread_count(session, bob.id) == 1


async def test_deliveries_wait_from_the_start(session: AsyncSession) -> None:
    user = await a_user(session)

    await a_message(session, user.id)

    delivery = (await session.scalars(select(Delivery).where(Delivery.owner_id == user.id))).one()
    assert (delivery.status, delivery.attempts, delivery.next_attempt_at) == (NotificationStatus.WAITING, 0, NOW)
