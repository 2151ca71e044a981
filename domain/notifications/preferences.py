"""Preferences: by which channels a user wants to hear of what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.events.notices import NoticeKind
from domain.kernel.database import among
from domain.kernel.errors import InvalidValue
from domain.notifications.tables import NotificationChannel, Preference

Choice = tuple[UUID, NoticeKind, NotificationChannel]


def is_usual(kind: NoticeKind, channel: NotificationChannel) -> bool:
    """Whether a kind comes by a channel where the user has not said: in the app everything is shown, by mail what is
    `is_mailed`, and a web hook gets the kinds it was registered for.
    """
    return channel is not NotificationChannel.MAIL or kind.is_mailed


@dataclass(frozen=True, slots=True)
class Preferences:
    """What some users said."""

    said: Mapping[Choice, bool] = field(default_factory=dict)

    def wants(self, user_id: UUID, kind: NoticeKind, channel: NotificationChannel) -> bool:
        """Whether a user wants a kind by a channel."""
        if kind.is_letter:
            return channel is NotificationChannel.MAIL
        return self.said.get((user_id, kind, channel), is_usual(kind, channel))


async def read(session: AsyncSession | AsyncConnection, user_ids: Collection[UUID]) -> Preferences:
    """The preferences of users."""
    columns = (Preference.user_id, Preference.kind, Preference.channel, Preference.is_wanted)
    rows = await session.execute(select(*columns).where(among(Preference.user_id, sorted(user_ids))))
    return Preferences({(row.user_id, row.kind, row.channel): row.is_wanted for row in rows})


async def set_preference(
    session: AsyncSession, user_id: UUID, kind: NoticeKind, channel: NotificationChannel, *, is_wanted: bool
) -> None:
    """Say whether a user wants a kind of message by a channel. Raises InvalidValue."""
    if kind.is_letter:
        raise InvalidValue(("kind",), "This is a letter about the account: it comes by mail, whatever is wished.")
    kept = insert(Preference).values(user_id=user_id, kind=kind, channel=channel, is_wanted=is_wanted)
    key = [Preference.user_id, Preference.kind, Preference.channel]
    await session.execute(kept.on_conflict_do_update(index_elements=key, set_={"is_wanted": is_wanted}))
    facts = {"kind": kind.value, "channel": channel.value, "is_wanted": is_wanted}
    subject = ("User", user_id)
    await entries.record(session, "notification.prefer", actor=f"user:{user_id}", subject=subject, facts=facts)
