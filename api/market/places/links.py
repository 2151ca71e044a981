"""Links between zones over GraphQL."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import INVALID_INPUT, Payload, UserError, mutation, refusal
from api.graphql.scalars import Micro, key_of
from domain.geography.tables import ZoneLink as ZoneLinkTable
from domain.market.places import markets, visibility


@entity(ZoneLinkTable, visible=visibility.public)
class ZoneLink(Node):
    """How much energy may flow from one zone to another in a delivery interval. Visible to everybody."""

    from_zone = edge(ZoneLinkTable.from_zone_id, "MarketZone", "The zone that energy leaves.")
    to_zone = edge(ZoneLinkTable.to_zone_id, "MarketZone", "The zone that energy reaches.")
    capacity_ukwh: Micro = column(
        ZoneLinkTable.capacity_ukwh, "Most energy in a delivery interval, kWh; 0 is out of force.", name="capacityKwh"
    )
    cost_ueur_per_kwh: Micro = column(
        ZoneLinkTable.cost_ueur_per_kwh, "What a transferred kWh costs (losses, grid), EUR/kWh.", name="cost"
    )


@strawberry.type(description="Linked markets need delivery intervals of one length.")
class DeliveriesDiffer(UserError):
    delivery_minutes: list[int] = strawberry.field(description="The lengths that differ, minutes.")


@refusal(markets.DeliveriesDiffer)
def _deliveries_differ(error: markets.DeliveriesDiffer) -> UserError:
    lengths = list(error.minutes)
    return DeliveriesDiffer(
        code=INVALID_INPUT, message=error.message, path=["deliveryMinutes"], delivery_minutes=lengths
    )


@strawberry.input(description="The terms of energy from one zone to another; they replace those that stood.")
class LinkZonesInput:
    from_zone_id: strawberry.ID = strawberry.field(description="Id of the zone that energy leaves.")
    to_zone_id: strawberry.ID = strawberry.field(description="Id of the zone that energy reaches.")
    capacity_ukwh: Micro = strawberry.field(
        name="capacityKwh", description="Most energy in a delivery interval, kWh, whole watt-hours; 0 ends the link."
    )
    cost_ueur_per_kwh: Micro = strawberry.field(
        name="cost", description="What a transferred kWh costs, EUR/kWh: 0 to 4 in steps of 0.0001."
    )


@strawberry.type(description="A link as it stands.")
class LinkZonesPayload(Payload):
    link = edge(None, "ZoneLink", "The link.")


@strawberry.type
class LinkQueries:
    zone_links = many("ZoneLink", "Links between zones, oldest first.")


@strawberry.type
class LinkMutations:
    @mutation("Set how much energy may flow from one zone to another, and what that costs; administrators only.")
    async def link_zones(self, info: Info, input: LinkZonesInput) -> LinkZonesPayload:
        async with info.context.transaction() as session:
            link_id = await markets.link_zones(
                session,
                info.context.caller,
                from_zone_id=key_of(input.from_zone_id, "MarketZone", "fromZoneId"),
                to_zone_id=key_of(input.to_zone_id, "MarketZone", "toZoneId"),
                capacity_ukwh=input.capacity_ukwh,
                cost_ueur_per_kwh=input.cost_ueur_per_kwh,
            )
        return leading(LinkZonesPayload(), link=link_id)
