"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.grid.alerts import ALERT_WITHDRAWN, AlertMutations, AlertQueries
from api.grid.capacities import CapacityMutations
from api.grid.halts import ZONE_HALTED, ZONE_NOT_HALTED, HaltMutations
from api.grid.limits import LimitMutations
from api.grid.loads import LoadOfZone
from api.grid.subscriptions import AlertSubscriptions
from domain.grid import words
from domain.grid.analytics import Health
from domain.grid.loads import CongestionLevel
from domain.grid.tables import AlertKind, LimitKind, Severity

ROOM = Room(
    queries=(AlertQueries,),
    mutations=(AlertMutations, CapacityMutations, HaltMutations, LimitMutations),
    subscriptions=(AlertSubscriptions,),
    types=(LoadOfZone,),
    enums=(
        describe(
            AlertKind,
            "What an alert is about.",
            CONGESTION="Too little capacity is left.",
            OUTAGE="A part of the grid is down.",
            MAINTENANCE="Work on the grid that was planned.",
            EMERGENCY="Danger to people or to the grid.",
            INFORMATION="Anything else.",
        ),
        describe(
            Severity,
            "How much an alert matters, least first.",
            NOTICE="Good to know.",
            WARNING="Something may have to be done.",
            CRITICAL="Something has to be done now.",
        ),
        describe(
            CongestionLevel,
            "How full a zone's capacity is, least first.",
            NORMAL="Less than 70 % is used.",
            ELEVATED="70 % or more is used.",
            CONGESTED="90 % or more is used.",
            OVERLOADED="All of it or more is used.",
        ),
        describe(
            Health,
            "How a zone is now, worst first.",
            HALTED="Trading is halted.",
            CRITICAL="It is overloaded, or a critical alert is in force.",
            STRESSED="70 % or more of its capacity is used, or a warning is in force.",
            HEALTHY="Less than 70 % of its capacity is used.",
            UNKNOWN="Nothing is known of its load.",
        ),
        describe(
            LimitKind,
            "What a limit of a zone bounds: energy of one side.",
            PER_ORDER="Energy of one order in a delivery interval.",
            PER_MEMBER_AND_DAY="Energy of one owner's orders for the deliveries of a day, UTC.",
            PER_ZONE_AND_INTERVAL="Energy of all orders of the zone for a delivery interval.",
        ),
    ),
    refusals=(ALERT_WITHDRAWN, ZONE_HALTED, ZONE_NOT_HALTED),
    jobs=(words.MEASURE_GRID,),
    notices=(words.GRID_ALERT,),
)
