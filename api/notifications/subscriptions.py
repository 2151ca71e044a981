"""Follow one's own notifications."""

from collections.abc import AsyncIterator
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.cursors import AFTER, cursor_of, number_in
from api.notifications.notifications import Notification
from api.transport.terms.errors import Forbidden
from domain.notifications import messages


@strawberry.type(description="A notification with its place in the viewer's stream of notifications.")
class NotificationEvent:
    cursor: str = strawberry.field(description="Place of the event, to resume `after` it.")
    notification: Notification = strawberry.field(description="The notification.")


@strawberry.type
class NotificationSubscriptions:
    @strawberry.subscription(
        description="The viewer's notifications in the app, in order; for people, and for applications that may read."
    )
    async def notifications(self, info: Info, after: AFTER = None) -> AsyncIterator[NotificationEvent]:
        viewer = info.context.caller
        if viewer.user_id is None or not viewer.may_read:
            raise Forbidden("Applications may not do this: the key needs the scope read.")
        stream = messages.stream_of(viewer.user_id)
        async for event in info.context.follow(stream, None if after is None else number_in(after, stream)):
            notification = await info.context.loaders.node("Notification", UUID(event.payload["message_id"]))
            if notification is not None:
                yield NotificationEvent(cursor=cursor_of(event), notification=notification)
