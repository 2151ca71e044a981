"""Follow the alerts of a zone.

Each event carries a cursor; after a lost connection the stream resumes behind it without gaps, at least once.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.cursors import AFTER, cursor_of, number_in
from api.graphql.scalars import key_of
from api.graphql.sights import SIGHT, EntitySight
from api.grid.alerts import GridAlert
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.events.tables import Event
from domain.grid import alerts


@strawberry.type(description="An alert that was issued or withdrawn, with its place in the zone's stream of alerts.")
class GridAlertEvent:
    cursor: str = strawberry.field(description="Place of the event, to resume `after` it.")
    is_withdrawn: bool = strawberry.field(description="Whether the alert was withdrawn; else it was issued.")
    alert: GridAlert = strawberry.field(description="The alert as it stands now.")


async def _check(info: Info, key: UUID) -> None:
    """Raises BadUserInput where there is no such zone."""
    if await info.context.loaders.node("MarketZone", key) is None:
        raise BadUserInput("There is no such market zone.", argument="zoneId")


@strawberry.type
class AlertSubscriptions:
    @strawberry.subscription(
        description="Alerts of a zone as they are issued and withdrawn: without `after` first those that are in force "
        "or to come; for who is signed in.",
        metadata={SIGHT: EntitySight("GridAlert")},
    )
    async def grid_alerts(
        self,
        info: Info,
        zone_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the zone.")],
        after: AFTER = None,
    ) -> AsyncIterator[GridAlertEvent]:
        _ = info.context.caller
        key = key_of(zone_id, "MarketZone", "zoneId")
        stream = alerts.stream_of(key)

        async def standing() -> tuple[list[Event], int]:
            async with info.context.database.transaction() as session:
                return await alerts.standing(session, key, clock.now())

        number = None if after is None else number_in(after, stream)
        async for event in info.context.follow(stream, number, standing, partial(_check, info, key)):
            alert = await info.context.loaders.node("GridAlert", UUID(event.payload["alert_id"]))
            if alert is not None:
                withdrawn = event.payload["is_withdrawn"]
                yield GridAlertEvent(cursor=cursor_of(event), is_withdrawn=withdrawn, alert=alert)
