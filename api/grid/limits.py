"""Limits of zones over GraphQL."""

from typing import Any

import strawberry

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge
from api.graphql.context import Info
from api.graphql.mutations import NOT_FOUND, NotFound, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from api.grid.halts import REASON
from api.resources import clock
from domain.geography.tables import MarketZone as ZoneTable
from domain.grid import limits, tables, visibility
from domain.market.orders import limiting


@entity(tables.ZoneLimit, visible=visibility.public)
class ZoneLimit(Node):
    """The most energy that may be offered in a zone, set by its operator. Visible to everybody."""

    zone = edge(tables.ZoneLimit.zone_id, "MarketZone", "The zone.")
    kind: tables.LimitKind = column(tables.ZoneLimit.kind, "What it bounds.")
    energy_ukwh: Micro = column(tables.ZoneLimit.energy_ukwh, "The most energy of one side, kWh.", name="energyKwh")
    reason: str = column(tables.ZoneLimit.reason, "Why it was set.")
    set_at: DateTime = column(tables.ZoneLimit.set_at, "When it was set.")
    set_by = edge(
        tables.ZoneLimit.set_by_id, "User", "Who set it; null unless the viewer may see them.", is_optional=True
    )


@refusal(limits.NoSuchLimit)
def _no_such_limit(error: limits.NoSuchLimit) -> UserError:
    return NotFound(code=NOT_FOUND, message=error.message, path=["kind"])


@strawberry.input(description="A limit of a zone; it replaces the one of its kind.")
class SetZoneLimitInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a zone that the caller operates.")
    kind: tables.LimitKind = strawberry.field(description="What it bounds.")
    energy_ukwh: Micro = strawberry.field(
        name="energyKwh", description="The most energy of one side, kWh: 0.001 to 1000000000, whole watt-hours."
    )
    reason: str = strawberry.field(description=REASON)


@strawberry.input(description="A limit of a zone that is to go.")
class RemoveZoneLimitInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a zone that the caller operates.")
    kind: tables.LimitKind = strawberry.field(description="Which limit.")
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="A limit as it stands.")
class SetZoneLimitPayload(Payload):
    limit = edge(None, "ZoneLimit", "The limit.")


@strawberry.type(description="What stands after a limit went.")
class RemoveZoneLimitPayload(Payload):
    zone = edge(None, "MarketZone", "The zone.")


def _limit(kind: tables.LimitKind, description: str) -> Any:
    """An edge to the zone's limit of a kind."""
    return edge(
        ZoneTable.id,
        "ZoneLimit",
        description,
        match=tables.ZoneLimit.zone_id,
        where=lambda: tables.ZoneLimit.kind == kind,
        is_optional=True,
    )


@extends("MarketZone")
class LimitsOfZone:
    limit_per_order = _limit(
        tables.LimitKind.PER_ORDER, "The most energy of an order; null where the operator set none."
    )
    limit_per_member_and_day = _limit(
        tables.LimitKind.PER_MEMBER_AND_DAY,
        "The most energy that a member offers for a day; null where the operator set none.",
    )
    limit_per_zone_and_interval = _limit(
        tables.LimitKind.PER_ZONE_AND_INTERVAL,
        "The most energy that all offer for a delivery interval; null where the operator set none.",
    )


@strawberry.type
class LimitMutations:
    @mutation(
        "Set the most energy that may be offered in a zone. Open orders that break a limit PER_ORDER are rejected. For "
        "the zone's grid operator and administrators of the platform."
    )
    async def set_zone_limit(self, info: Info, input: SetZoneLimitInput) -> SetZoneLimitPayload:
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        async with info.context.transaction() as session:
            limit_id = await limiting.set_limit(
                session,
                info.context.caller,
                zone_id,
                input.kind,
                energy_ukwh=input.energy_ukwh,
                reason=input.reason,
                now=clock.now(),
            )
        return leading(SetZoneLimitPayload(), limit=limit_id)

    @mutation("Take a limit of a zone away; for its grid operator and administrators of the platform.")
    async def remove_zone_limit(self, info: Info, input: RemoveZoneLimitInput) -> RemoveZoneLimitPayload:
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        async with info.context.transaction() as session:
            await limits.remove(session, info.context.caller, zone_id, input.kind, reason=input.reason)
        return leading(RemoveZoneLimitPayload(), zone=zone_id)
