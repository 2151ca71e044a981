"""Messages over GraphQL: see them, mark them as read."""

from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement

from api.engine.declarations import Node, entity
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.graphql.scalars import DateTime, key_of
from api.graphql.words import describe, offer
from api.notifications import subjects
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.events.notices import NoticeKind
from domain.identity.viewers import Viewer
from domain.kernel.errors import NotAllowed
from domain.notifications import messages, tables, visibility
from domain.notifications.tables import NotificationChannel, NotificationOutcome, NotificationStatus

offer(NoticeKind, "What a notification is about.")

IDS_MAX = 100

describe(
    NotificationChannel,
    "How a notification reaches its user.",
    IN_APP="Shown in the list and told by the subscription.",
    MAIL="By e-mail, outside of quiet hours.",
    WEBHOOK="As a signed post to the web hooks that name its kind.",
)
describe(
    NotificationStatus,
    "Where a delivery stands; the last two are final.",
    WAITING="Its next attempt is due at `nextAttemptAt`.",
    DELIVERED="The receiver acknowledged it.",
    GIVEN_UP="It will not be tried again.",
)
describe(
    NotificationOutcome,
    "What came of an attempt to deliver.",
    ACKNOWLEDGED="The receiver took it: 2xx, or the mail server's 250.",
    REJECTED="The receiver answered something else; redirects are not followed.",
    TIMED_OUT="There was no answer in time.",
    UNREACHABLE="No connection could be made.",
    ADDRESS_REFUSED="The host is no longer on the public Internet, or cannot be resolved; which one is not told.",
    DROPPED="Nobody was to get it any more: the web hook or the account has ended.",
)


@entity(tables.Delivery, visible=visibility.deliveries)
class NotificationDelivery(Node):
    """A notification on its way by mail or to a web hook, or a test of a web hook. Visible to its receiver alone."""

    channel: NotificationChannel = column(tables.Delivery.channel, "MAIL or WEBHOOK.")
    status: NotificationStatus = column(tables.Delivery.status, "Where it stands.")
    attempts: int = column(tables.Delivery.attempts, "How often it was tried.")
    created_at: DateTime = column(tables.Delivery.created_at, "When it was asked for.")
    next_attempt_at: DateTime | None = column(
        tables.Delivery.next_attempt_at, "When it is tried next, put off by quiet hours; null once that is over."
    )
    delivered_at: DateTime | None = column(tables.Delivery.delivered_at, "When it was acknowledged.")
    outcome: NotificationOutcome | None = column(
        tables.Delivery.outcome, "What came of the last attempt; null before the first one has ended."
    )
    status_code: int | None = column(
        tables.Delivery.status_code, "HTTP or SMTP status of the last attempt, where there was an answer."
    )
    notification = edge(
        tables.Delivery.message_id,
        "Notification",
        "What is delivered; null for a test, and where it is not in the app.",
        is_optional=True,
    )
    webhook = edge(
        tables.Delivery.webhook_id,
        "Webhook",
        "Where it goes; null for mail, and once the web hook was removed.",
        is_optional=True,
    )


@entity(
    tables.Message,
    visible=visibility.messages,
    carries={"told_kind": tables.Message.kind, "told_facts": tables.Message.facts},
)
class Notification(Node):
    """A message in the app. Visible to its user alone, and to applications of theirs that may read."""

    kind: NoticeKind = column(tables.Message.kind, "What it is about.")
    title: str = column(tables.Message.title, "One line, in the language that the user had then.")
    body: str = column(tables.Message.body, "Whole sentences in that language; times are local.")
    created_at: DateTime = column(tables.Message.created_at, "When it happened.")
    read_at: DateTime | None = column(tables.Message.read_at, "When it was marked as read; null until then.")
    deliveries = many(
        "NotificationDelivery",
        "The ways it goes beside the app, oldest first.",
        on=tables.Delivery.message_id,
    )

    @strawberry.field(
        description="The order, payment, alert or the like that it is about; null where that is nothing in particular, "
        "or no longer to be seen."
    )
    async def subject(self, info: Info) -> Node | None:
        subject = self._subject()
        node: Node | None = None if subject is None else await info.context.loaders.node(*subject)
        return node

    @strawberry.field(description="Where an application shows what it is about; null where none is known.")
    def link(self) -> str | None:
        return subjects.link_to(self._subject())

    def _subject(self) -> tuple[str, UUID] | None:
        return subjects.about(self.__dict__["told_kind"], self.__dict__["told_facts"])


@strawberry.input(description="Which notifications; all the given conditions must hold.")
class NotificationFilter:
    is_unread: bool | None = strawberry.field(
        default=None, description="Only those that wait to be read, or only those that do not."
    )
    kind: NoticeKind | None = strawberry.field(default=None, description="Only those about this.")


def conditions(given: NotificationFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL."""
    found: list[ColumnElement[bool]] = []
    if given.is_unread is not None:
        found.append(tables.Message.read_at.is_(None) if given.is_unread else tables.Message.read_at.is_not(None))
    if given.kind is not None:
        found.append(tables.Message.kind == given.kind)
    return found


@strawberry.type
class NotificationViewer:
    notifications = many(
        "Notification",
        "The viewer's notifications, oldest first: ask for the `last` ones.",
        filter=NotificationFilter,
        where=conditions,
    )

    @strawberry.field(description="How many notifications wait to be read; 0 for applications that may not read.")
    async def unread_notification_count(self, info: Info) -> int:
        viewer = info.context.caller
        if viewer.user_id is None or not viewer.may_read:
            return 0
        async with info.context.database.reading() as connection:
            return await messages.unread_count(connection, viewer.user_id)


@strawberry.input(description="Notifications that were read.")
class MarkNotificationsReadInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Ids of at most 100 notifications of the caller; all of them when left out."
    )


@strawberry.type(description="What is left to read.")
class MarkNotificationsReadPayload(Payload):
    marked_count: int | None = strawberry.field(default=None, description="How many were unread before.")
    unread_count: int | None = strawberry.field(default=None, description="How many wait to be read now.")


@strawberry.type
class NotificationMutations:
    @mutation("Mark notifications as read.")
    async def mark_notifications_read(
        self, info: Info, input: MarkNotificationsReadInput
    ) -> MarkNotificationsReadPayload:
        user_id = person(info.context.caller)
        if input.ids is not None and len(input.ids) > IDS_MAX:
            raise BadUserInput(f"At most {IDS_MAX} ids at a time.", argument="ids")
        ids = None if input.ids is None else {key_of(id, "Notification", "ids") for id in input.ids}
        async with info.context.transaction() as session:
            count = await messages.mark_read(session, user_id, ids, now=clock.now())
            left = await messages.unread_count(session, user_id)
        return MarkNotificationsReadPayload(marked_count=count, unread_count=left)


def person(viewer: Viewer) -> UUID:
    """The user who asks. Raises NotAllowed for an application."""
    if viewer.user_id is None or viewer.api_key_id is not None:
        raise NotAllowed("do this with a key")
    return viewer.user_id
