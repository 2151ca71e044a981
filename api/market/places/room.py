"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.market.places.charges import ChargeMutations
from api.market.places.links import LinkMutations, LinkQueries
from api.market.places.markets import MarketListMutations, MarketListQueries
from domain.market.places.tables import ChargeKind, EnergySource, OrderSide, PricingRule

ROOM = Room(
    queries=(LinkQueries, MarketListQueries),
    mutations=(ChargeMutations, LinkMutations, MarketListMutations),
    enums=(
        describe(
            PricingRule,
            "How a clearing sets prices.",
            UNIFORM="One price per zone and delivery interval: the midpoint of all that balance it.",
            PAY_AS_BID="Each trade at its buyer's limit.",
            MIDPOINT="Each trade halfway between the limits of its buyer and its seller.",
        ),
        describe(OrderSide, "Whether an order takes or gives energy.", BUY="Takes energy.", SELL="Gives energy."),
        describe(
            ChargeKind,
            "What is paid beside the price of energy.",
            FEE="The platform's fee.",
            NETWORK="The grid operator's charge for the use of the network.",
            COMMUNITY_FUND="A contribution to the fund of a community.",
        ),
        describe(
            EnergySource,
            "Where energy comes from.",
            SOLAR="Photovoltaic.",
            WIND="Wind.",
            HYDRO="Hydropower.",
            BIOMASS="Biomass.",
            STORAGE="Storage.",
        ),
    ),
)
