"""Preferences and quiet hours over GraphQL."""

import strawberry
from sqlalchemy import select

from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.notifications.notifications import person
from domain.events.notices import NoticeKind
from domain.notifications import preferences, quiet_hours, tables
from domain.notifications.tables import NotificationChannel


@strawberry.type(description="Whether a kind of notification comes by a channel.")
class NotificationPreference:
    kind: NoticeKind = strawberry.field(description="What it is about.")
    channel: NotificationChannel = strawberry.field(description="How it comes.")
    is_wanted: bool = strawberry.field(description="Whether it comes.")


@strawberry.type(description="Local time of day in which no mail is sent; it passes midnight where it ends first.")
class QuietHours:
    start: str = strawberry.field(description="Begin, such as 22:00.")
    end: str = strawberry.field(description="End, such as 07:00.")
    timezone: str = strawberry.field(description="IANA name of the time zone, such as Europe/Luxembourg.")


@strawberry.input(
    description="Local time of day in which no mail is to be sent; it passes midnight where it ends first."
)
class QuietHoursInput:
    start: str = strawberry.field(description="Begin, such as 22:00.")
    end: str = strawberry.field(description="End, such as 07:00; another time than the begin.")
    timezone: str = strawberry.field(description="IANA name of the time zone, such as Europe/Luxembourg.")


@strawberry.type
class PreferenceViewer:
    @strawberry.field(
        description="By which channels the viewer hears of what, for every kind and channel; "
        "empty for applications that may not read."
    )
    async def notification_preferences(self, info: Info) -> list[NotificationPreference]:
        viewer = info.context.caller
        if viewer.user_id is None or not viewer.may_read:
            return []
        async with info.context.database.reading() as connection:
            said = await preferences.read(connection, [viewer.user_id])
        return [
            NotificationPreference(kind=kind, channel=channel, is_wanted=said.wants(viewer.user_id, kind, channel))
            for kind in NoticeKind
            for channel in NotificationChannel
        ]

    @strawberry.field(description="When the viewer gets no mail; null where that is never.")
    async def quiet_hours(self, info: Info) -> QuietHours | None:
        viewer = info.context.caller
        if viewer.user_id is None or not viewer.may_read:
            return None
        columns = tables.QuietHours.starts_at, tables.QuietHours.ends_at, tables.QuietHours.timezone
        async with info.context.database.reading() as connection:
            query = select(*columns).where(tables.QuietHours.user_id == viewer.user_id)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return QuietHours(start=f"{row[0]:%H:%M}", end=f"{row[1]:%H:%M}", timezone=row[2])


@strawberry.input(description="Whether a kind of notification is wanted by a channel.")
class SetNotificationPreferenceInput:
    kind: NoticeKind = strawberry.field(description="What it is about.")
    channel: NotificationChannel = strawberry.field(description="How it comes.")
    is_wanted: bool = strawberry.field(description="Whether it is to come.")


@strawberry.type(description="The preference as it is now.")
class SetNotificationPreferencePayload(Payload):
    preference: NotificationPreference | None = strawberry.field(default=None, description="The preference.")


@strawberry.input(description="Quiet hours, or none.")
class SetQuietHoursInput:
    hours: QuietHoursInput | None = strawberry.field(default=None, description="The hours; left out to end them.")


@strawberry.type(description="The quiet hours as they are now.")
class SetQuietHoursPayload(Payload):
    quiet_hours: QuietHours | None = strawberry.field(default=None, description="The hours; null where there are none.")


@strawberry.type
class PreferenceMutations:
    @mutation("Say whether a kind of notification is wanted by a channel.")
    async def set_notification_preference(
        self, info: Info, input: SetNotificationPreferenceInput
    ) -> SetNotificationPreferencePayload:
        user_id = person(info.context.caller)
        async with info.context.transaction() as session:
            await preferences.set_preference(session, user_id, input.kind, input.channel, is_wanted=input.is_wanted)
        preference = NotificationPreference(kind=input.kind, channel=input.channel, is_wanted=input.is_wanted)
        return SetNotificationPreferencePayload(preference=preference)

    @mutation("Set the hours in which no mail is sent, or end them. What is held back comes when they end.")
    async def set_quiet_hours(self, info: Info, input: SetQuietHoursInput) -> SetQuietHoursPayload:
        user_id, hours = person(info.context.caller), input.hours
        given = None if hours is None else (hours.start, hours.end, hours.timezone)
        async with info.context.transaction() as session:
            await quiet_hours.set_hours(session, user_id, given)
        shown = None if given is None else QuietHours(start=given[0], end=given[1], timezone=given[2])
        return SetQuietHoursPayload(quiet_hours=shown)
