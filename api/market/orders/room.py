"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.market.orders.orders import OrderMutations, OrderViewer
from api.market.orders.refusals import (
    CAPACITY_EXCEEDED,
    INSUFFICIENT_FUNDS,
    LIMIT_EXCEEDED,
    MARKET_CLOSED,
    MARKET_HALTED,
    OFF_LOT,
    OFF_TICK,
    ORDER_CLOSED,
    SOURCE_NOT_OWNED,
)
from domain.market.orders import words
from domain.market.orders.tables import Acceptance, OrderFilling, OrderStatus

ROOM = Room(
    mutations=(OrderMutations,),
    viewer=(OrderViewer,),
    enums=(
        describe(
            OrderStatus,
            "Where an order stands; the last four are final.",
            OPEN="Nothing is filled yet.",
            PARTIALLY_FILLED="Some is filled, the rest is open.",
            HALTED="Kept while trading in its zone is halted.",
            FILLED="All is filled.",
            CANCELLED="Withdrawn by its owner; what was filled stays.",
            EXPIRED="Its delivery began, or its time ran out, before all was filled.",
            REJECTED="Taken out by a rule that came after it; the reason is told.",
        ),
        describe(
            Acceptance,
            "What energy a buy order accepts; all but ANY are met within the buyer's own zone.",
            ANY="Any energy.",
            LOCAL="Energy of the own zone.",
            GREEN="Renewable energy of the own zone: solar, wind, hydro or biomass.",
            SOLAR="Solar energy of the own zone.",
            WIND="Wind energy of the own zone.",
            HYDRO="Hydropower of the own zone.",
            BIOMASS="Energy from biomass of the own zone.",
            STORAGE="Energy from storage of the own zone.",
        ),
        describe(
            OrderFilling,
            "How an order's energy is meant.",
            PER_INTERVAL="The energy in each interval of the delivery.",
            FLEXIBLE="The energy in all intervals of the delivery together, wherever it is best.",
        ),
    ),
    refusals=(
        OFF_LOT,
        OFF_TICK,
        MARKET_CLOSED,
        ORDER_CLOSED,
        INSUFFICIENT_FUNDS,
        MARKET_HALTED,
        LIMIT_EXCEEDED,
        CAPACITY_EXCEEDED,
        SOURCE_NOT_OWNED,
    ),
    notices=(words.ORDER_CLOSED,),
)
