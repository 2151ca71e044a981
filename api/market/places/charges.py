"""What is paid beside the price of energy, over GraphQL."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge
from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.graphql.scalars import DateTime, Micro, key_of
from api.resources import clock
from domain.market.places import markets, tables, visibility


@entity(tables.MarketCharge, visible=visibility.public)
class MarketCharge(Node):
    """A rate per kWh delivered that one side of each trade pays beside the price. Visible to everybody."""

    kind: tables.ChargeKind = column(tables.MarketCharge.kind, "What it is for.")
    payer: tables.OrderSide = column(tables.MarketCharge.payer, "Which side of a trade pays it.")
    rate_ueur_per_kwh: Micro = column(tables.MarketCharge.rate_ueur_per_kwh, "Net of VAT, EUR/kWh.", name="rate")
    vat_ppm: Micro = column(
        tables.MarketCharge.vat_ppm, "VAT on top, as a share from 0 to 1, such as 0.17.", name="vatRate"
    )
    community = edge(
        tables.MarketCharge.community_id,
        "Community",
        "Whose fund it goes to, where the viewer sees it.",
        is_optional=True,
    )
    valid_from: DateTime = column(
        tables.MarketCharge.valid_from, "For deliveries that start from then on, until another of its kind and payer."
    )


@strawberry.input(description="A charge to set for deliveries from an instant on.")
class SetMarketChargeInput:
    market_id: strawberry.ID = strawberry.field(description="Id of the market.")
    kind: tables.ChargeKind = strawberry.field(description="What it is for.")
    payer: tables.OrderSide = strawberry.field(description="Which side of a trade pays it.")
    rate_ueur_per_kwh: Micro = strawberry.field(name="rate", description="Net of VAT, EUR/kWh, 0 to 4.")
    vat_rate: Micro = strawberry.field(default=Micro(0), description="VAT on top, as a share from 0 to 1.")
    community_id: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the community whose fund it goes to; with COMMUNITY_FUND only."
    )
    valid_from: DateTime = strawberry.field(
        description="First delivery it applies to; beyond the market's horizon, once orders were placed."
    )


@strawberry.type(description="A charge that was set.")
class SetMarketChargePayload(Payload):
    charge = edge(None, "MarketCharge", "The charge.")


@strawberry.type
class ChargeMutations:
    @mutation("Set what one side of each trade pays beside the price; administrators only.")
    async def set_market_charge(self, info: Info, input: SetMarketChargeInput) -> SetMarketChargePayload:
        of_community = input.community_id
        async with info.context.transaction() as session:
            charge_id = await markets.set_charge(
                session,
                info.context.caller,
                key_of(input.market_id, "Market", "marketId"),
                kind=input.kind,
                payer=input.payer,
                rate_ueur_per_kwh=input.rate_ueur_per_kwh,
                vat_ppm=input.vat_rate,
                valid_from=input.valid_from,
                community_id=None if of_community is None else key_of(of_community, "Community", "communityId"),
                now=clock.now(),
            )
        return leading(SetMarketChargePayload(), charge=charge_id)
