"""The domain's enums as GraphQL enums, with a description of each value."""

from enum import Enum
from typing import Any

import strawberry

from domain.communities import tables as communities
from domain.grid import tables as grid
from domain.grid.analytics import Health
from domain.grid.loads import CongestionLevel
from domain.identity import tables as identity
from domain.jobs import tables as jobs
from domain.kernel.intervals import Resolution
from domain.market.orders import tables as order_tables
from domain.market.places import tables as market
from domain.metering import tables as metering
from domain.sharing import tables as sharing


def describe(kind: type[Enum], description: str, **values: str) -> None:
    """Offer an enum over GraphQL; every value needs its sentence. Raises KeyError for one that has none."""
    definition: Any = strawberry.enum(kind, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]


describe(
    identity.PlatformRole,
    "What a user may do across communities.",
    ADMIN="Administers the platform.",
    GRID_OPERATOR="Operates the grid of a market zone.",
)
describe(
    identity.ApiKeyKind,
    "What an application is.",
    PARTNER="Reads and trades for its owner.",
    METER="A meter gateway, which may only post readings.",
)
describe(
    jobs.JobKind,
    "What a job does.",
    ALLOCATE_PERIOD="Allocates a community's shared energy in a period.",
    CLEAR_MARKET="Clears the open orders of linked markets.",
    SETTLE_DELIVERIES="Settles trades by what was metered.",
    MAKE_STATEMENTS="Makes the monthly statements of members.",
    RUN_TRADING_RULES="Places the orders of active trading rules.",
    SIMULATE_TRADING_RULE="Runs a trading rule over past data.",
    FORECAST_PRICES="Forecasts the prices of markets, and looks back at how good forecasts were.",
    DELIVER_NOTIFICATIONS="Delivers messages to people and web hooks.",
    MEASURE_GRID="Measures load and congestion of zones.",
    RATE_MEMBERS="Rates reliability by what was delivered.",
    VERIFY="Recomputes the invariants over the whole database.",
    SUBMIT_PAYMENT="Asks the payment provider to carry out a payment.",
    ANSWER_PAYMENT="Answers for the simulated payment provider.",
)
describe(
    jobs.JobStatus,
    "Where a job stands; the last three are final.",
    QUEUED="Waits for a worker.",
    RUNNING="A worker is at it.",
    SUCCEEDED="Done; `result` is what it made.",
    FAILED="Cannot be done; `error` says why.",
    CANCELLED="Stopped on request.",
)
describe(
    grid.LimitKind,
    "What a limit of a zone bounds, of one side.",
    PER_ORDER="The energy of an order: in each interval, or of a flexible one in all.",
    PER_MEMBER_AND_DAY="The energy that one member offers for a day, UTC.",
    PER_ZONE_AND_INTERVAL="The energy that all offer in the zone for a delivery interval.",
)
describe(
    grid.AlertKind,
    "What an alert is about.",
    CONGESTION="Too little capacity is left.",
    OUTAGE="A part of the grid is down.",
    MAINTENANCE="Work on the grid that was planned.",
    EMERGENCY="Danger to people or to the grid.",
    INFORMATION="Anything else.",
)
describe(
    grid.Severity,
    "How much an alert matters, least first.",
    NOTICE="Good to know.",
    WARNING="Something may have to be done.",
    CRITICAL="Something has to be done now.",
)
describe(
    CongestionLevel,
    "How full a zone's capacity is, least first.",
    NORMAL="Less than 70 % is used.",
    ELEVATED="70 % or more is used.",
    CONGESTED="90 % or more is used.",
    OVERLOADED="All of it or more is used.",
)
describe(
    Health,
    "How a zone is now, worst first.",
    HALTED="Trading is halted.",
    CRITICAL="It is overloaded, or a critical alert is in force.",
    STRESSED="70 % or more of its capacity is used, or a warning is in force.",
    HEALTHY="Less than 70 % of its capacity is used.",
    UNKNOWN="Nothing is known of its load.",
)
describe(
    communities.FrameworkCode,
    "The tradition whose rules a community follows.",
    LU_SHARING="Luxembourg: a formal sharing group.",
    IT_CER="Italy: comunita energetica rinnovabile under one primary substation.",
    AT_EEG="Austria: Erneuerbare-Energie-Gemeinschaft.",
    EU_TRADING="An open peer-to-peer trading community.",
    MICROGRID="A grid zone with its own operator and rules.",
    COMPANY_GROUP="Companies that pool energy data to find local exchange.",
)
describe(
    communities.CommunityKind,
    "What a community is on the ground.",
    LANE="Homes along a street.",
    BUILDING="Users of one building.",
    VILLAGE="A village or quarter.",
    SUBSTATION="Points under one primary substation.",
    REGION="A wider region.",
    COMPANIES="A group of companies.",
    CUSTOM="Anything else.",
)
describe(
    communities.CommunityStatus,
    "Where a community stands.",
    ACTIVE="It shares or trades.",
    CLOSED="It has ended; its history stays readable.",
)
describe(
    communities.CommunityRole,
    "What a member may do in a community.",
    ADMIN="Admits members, sets keys, runs allocations.",
    MEMBER="Takes part.",
)
describe(
    communities.MemberKind,
    "How a member takes part.",
    PROSUMER="Produces and consumes.",
    CONSUMER="Only consumes.",
    PRODUCER="Only produces.",
    STORAGE_PROVIDER="Offers storage.",
)
describe(
    communities.LegalForm,
    "What kind of person a member is in law.",
    NATURAL_PERSON="A natural person.",
    SME="A small or medium-sized enterprise.",
    LARGE_ENTERPRISE="A large enterprise.",
    PUBLIC_BODY="A public body or local authority.",
    RELIGIOUS_BODY="A religious body.",
    THIRD_SECTOR="A third-sector body or association.",
)
describe(
    communities.AssetKind,
    "What an asset is.",
    PV="Photovoltaic plant.",
    WIND="Wind turbine.",
    STORAGE="Storage.",
    HYDRO="Hydropower plant.",
    BIOMASS="Biomass plant.",
)
describe(
    metering.Direction,
    "Which way energy crosses a metering point, seen from the grid.",
    INJECTED="Into the grid.",
    WITHDRAWN="Out of the grid.",
)
describe(
    metering.CodeKind,
    "Which pattern a metering point's code follows.",
    IT_POD="Italian POD, such as IT001E12345678.",
    LU_POD="Luxembourgish POD, LU and 31 characters.",
    AT_METERING_POINT="Austrian Zaehlpunkt, AT and 31 characters.",
    GENERIC="Any other code of 3 to 40 letters, digits, dots, dashes and underscores.",
)
describe(
    metering.Quality,
    "How values came about, best first.",
    MEASURED="Read from the meter.",
    ESTIMATED="Estimated by the operator.",
    SUBSTITUTED="A substitute for missing values.",
    SIMULATED="Made by a simulated meter.",
)
describe(
    sharing.KeyKind,
    "How shared energy is divided among the points of one side.",
    EQUAL="Equal parts.",
    STATIC="Fixed percentages, one round: what a point cannot use stays with the producers.",
    STATIC_ROUNDS="Fixed percentages, repeated until nothing is left or nobody needs more.",
    PRO_RATA="In proportion to the metered energy.",
    PRIORITY="By rank; pro rata among points of the same rank.",
    HYBRID="One round of fixed percentages, then pro rata of what is still needed.",
)
describe(
    market.PricingRule,
    "How a clearing sets prices.",
    UNIFORM="One price per zone and delivery interval: the midpoint of all that balance it.",
    PAY_AS_BID="Each trade at its buyer's limit.",
    MIDPOINT="Each trade halfway between the limits of its buyer and its seller.",
)
describe(market.OrderSide, "Whether an order takes or gives energy.", BUY="Takes energy.", SELL="Gives energy.")
describe(
    order_tables.OrderStatus,
    "Where an order stands; the last four are final.",
    OPEN="Nothing is filled yet.",
    PARTIALLY_FILLED="Some is filled, the rest is open.",
    HALTED="Kept while trading in its zone is halted.",
    FILLED="All is filled.",
    CANCELLED="Withdrawn by its owner; what was filled stays.",
    EXPIRED="Its delivery began, or its time ran out, before all was filled.",
    REJECTED="Taken out by a rule that came after it; the reason is told.",
)
describe(
    order_tables.Acceptance,
    "What energy a buy order accepts; all but ANY are met within the buyer's own zone.",
    ANY="Any energy.",
    LOCAL="Energy of the own zone.",
    GREEN="Renewable energy of the own zone: solar, wind, hydro or biomass.",
    SOLAR="Solar energy of the own zone.",
    WIND="Wind energy of the own zone.",
    HYDRO="Hydropower of the own zone.",
    BIOMASS="Energy from biomass of the own zone.",
    STORAGE="Energy from storage of the own zone.",
)
describe(
    order_tables.OrderFilling,
    "How an order's energy is meant.",
    PER_INTERVAL="The energy in each interval of the delivery.",
    FLEXIBLE="The energy in all intervals of the delivery together, wherever it is best.",
)
describe(
    market.ChargeKind,
    "What is paid beside the price of energy.",
    FEE="The platform's fee.",
    NETWORK="The grid operator's charge for the use of the network.",
    COMMUNITY_FUND="A contribution to the fund of a community.",
)
describe(
    market.EnergySource,
    "Where energy comes from.",
    SOLAR="Photovoltaic.",
    WIND="Wind.",
    HYDRO="Hydropower.",
    BIOMASS="Biomass.",
    STORAGE="Storage.",
)
describe(
    Resolution,
    "Length of one value of a series.",
    QUARTER_HOUR="15 minutes.",
    HALF_HOUR="30 minutes.",
    HOUR="60 minutes.",
    DAY="A local day of 23, 24 or 25 hours.",
    MONTH="A local calendar month.",
)
describe(
    grid.LimitKind,
    "What a limit of a zone bounds: energy of one side.",
    PER_ORDER="Energy of one order in a delivery interval.",
    PER_MEMBER_AND_DAY="Energy of one owner's orders for the deliveries of a day, UTC.",
    PER_ZONE_AND_INTERVAL="Energy of all orders of the zone for a delivery interval.",
)
