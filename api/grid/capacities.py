"""Capacities of zones over GraphQL."""

import strawberry

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import OVERLAP, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from api.grid.halts import REASON
from domain.grid import capacities, tables, visibility
from domain.kernel.errors import InvalidValue
from domain.metering.tables import Direction

MICRO_KW_PER_W = 1_000


@entity(tables.ZoneCapacity, visible=visibility.public)
class ZoneCapacity(Node):
    """The most power a zone can take in or give out from an instant on. Visible to everybody; never edited."""

    zone = edge(tables.ZoneCapacity.zone_id, "MarketZone", "The zone.")
    direction: Direction = column(
        tables.ZoneCapacity.direction, "Which way the energy goes that its own points leave over."
    )
    power_kw: Micro = column(tables.ZoneCapacity.power_w * MICRO_KW_PER_W, "The most power, kW.")
    valid_from: DateTime = column(
        tables.ZoneCapacity.valid_from, "From when it holds, until a later one of its direction does."
    )
    reason: str = column(tables.ZoneCapacity.reason, "Why it is so.")
    created_at: DateTime = column(tables.ZoneCapacity.created_at, "When it was said.")
    set_by = edge(
        tables.ZoneCapacity.set_by_id, "User", "Who said so; null unless the viewer may see them.", is_optional=True
    )


@strawberry.type(description="The zone has a capacity in this direction from this instant on already.")
class CapacityExists(UserError):
    valid_from: DateTime = strawberry.field(description="The instant.")


@refusal(capacities.CapacityExists)
def _exists(error: capacities.CapacityExists) -> UserError:
    at = DateTime(error.valid_from)
    return CapacityExists(code=OVERLAP, message=error.message, path=["validFrom"], valid_from=at)


@strawberry.input(description="What a zone can take in or give out from an instant on.")
class SetZoneCapacityInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a zone that the caller operates.")
    direction: Direction = strawberry.field(description="Which way the energy goes.")
    power_kw: Micro = strawberry.field(description="The most power, kW, whole watts: 0.001 to 1000000000.")
    valid_from: DateTime = strawberry.field(description="From when it holds.")
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="A capacity that was set.")
class SetZoneCapacityPayload(Payload):
    capacity = edge(None, "ZoneCapacity", "The capacity.")


@extends("MarketZone")
class CapacitiesOfZone:
    capacities = many(
        "ZoneCapacity",
        "What the zone can take in and give out, as it was said over time, oldest first.",
        on=tables.ZoneCapacity.zone_id,
    )


@strawberry.type
class CapacityMutations:
    @mutation("Say what a zone can take; for its grid operator and administrators of the platform.")
    async def set_zone_capacity(self, info: Info, input: SetZoneCapacityInput) -> SetZoneCapacityPayload:
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        async with info.context.transaction() as session:
            capacity_id = await capacities.put(
                session,
                info.context.caller,
                zone_id,
                input.direction,
                power_w=_watts(input.power_kw),
                valid_from=input.valid_from,
                reason=input.reason,
            )
        return leading(SetZoneCapacityPayload(), capacity=capacity_id)


def _watts(micro_kw: int) -> int:
    watts, rest = divmod(micro_kw, MICRO_KW_PER_W)
    if rest:
        raise InvalidValue(("powerKw",), "The power is a whole number of watts.")
    return watts
