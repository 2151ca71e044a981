"""Acts on zones that may not be."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid.tables import LimitKind, ZoneLimit
from domain.kernel.quantities import parse_micro
from tests.api.authorization.world import World
from tests.api.hostile.rows import NOBODYS, STRONGEST, Row, Section, asked, done, framed, of

REASON = {"reason": "hostile"}
A_LIMIT = {"kind": "PER_ORDER", "energyKwh": "1", **REASON}
A_CAPACITY = {"direction": "WITHDRAWN", "powerKw": "1", "validFrom": "2026-01-01T00:00:00Z", **REASON}
AN_ALERT = {"kind": "OUTAGE", "severity": "NOTICE", "title": "x", "text": "x"}


def in_zone(field: str, zone: str = "north", role: str = STRONGEST, **given: Any) -> Any:
    return done(field, lambda id_of: {"zoneId": id_of("MarketZone", zone), **given}, role)


def shown(field: str, period: tuple[str, str]) -> Any:
    document = (
        "query ($id: ID!, $period: PeriodInput!) { node(id: $id) { ... on MarketZone { "
        f"{field}(period: $period) {{ __typename }} }} }} }}"
    )
    return asked(document, of("MarketZone", "north", period={"start": period[0], "end": period[1]}))


ZONES = (
    Row("a halt without a reason", in_zone("haltZone", reason=" "), 200, "INVALID_INPUT", "A reason has 1 to 500"),
    Row(
        "a halt with NUL in its reason", in_zone("haltZone", reason="a\x00"), 200, "INVALID_INPUT", "A reason has 1 to"
    ),
    Row(
        "a halt that has expired",
        in_zone("haltZone", expiresAt="2026-01-01T00:00:00Z", **REASON),
        200,
        "INVALID_INPUT",
        "A halt expires after now, or stands until it is lifted. [expiresAt]",
    ),
    Row(
        "a halt of a halted zone",
        in_zone("haltZone", "south", **REASON),
        200,
        "ZONE_HALTED",
        "Trading in this zone is halted already: test [zoneId]",
    ),
    Row(
        "a halt by a member", in_zone("haltZone", role="member", **REASON), 200, "FORBIDDEN", "You may not halt trading"
    ),
    Row(
        "a halt of another operator's zone",
        in_zone("haltZone", "south", "grid operator", **REASON),
        200,
        "FORBIDDEN",
        "You may not halt trading in this zone.",
    ),
    Row(
        "a halt by an application",
        in_zone("haltZone", role="partner that trades", **REASON),
        200,
        "FORBIDDEN",
        "Applications may not do this",
    ),
    Row(
        "a halt of a zone that is not there",
        done("haltZone", {"zoneId": f"MarketZone:{NOBODYS}", **REASON}),
        200,
        "NOT_FOUND",
        "There is no market zone",
    ),
    Row(
        "a halt of a market",
        done("haltZone", lambda id_of: {"zoneId": id_of("Market", "north"), **REASON}),
        200,
        "BAD_USER_INPUT",
        "zoneId is not the id of a MarketZone. [zoneId]",
    ),
    Row(
        "a zone resumed that trades",
        in_zone("resumeZone", **REASON),
        200,
        "ZONE_NOT_HALTED",
        "Trading in this zone is not halted. [zoneId]",
    ),
    Row(
        "a halt lifted by a stranger",
        in_zone("resumeZone", "south", "outsider", **REASON),
        200,
        "FORBIDDEN",
        "You may not resume trading in this zone.",
    ),
    Row(
        "a limit of nothing",
        in_zone("setZoneLimit", **A_LIMIT | {"energyKwh": "0"}),
        200,
        "INVALID_INPUT",
        "A limit is 0.001 to 1000000000 kWh, in steps of 0.001 kWh. [energyKwh]",
    ),
    Row(
        "a negative limit",
        in_zone("setZoneLimit", **A_LIMIT | {"energyKwh": "-5"}),
        200,
        "INVALID_INPUT",
        "A limit is 0.001 to 1000000000 kWh, in steps of 0.001 kWh. [energyKwh]",
    ),
    Row(
        "a limit of half a watt-hour",
        in_zone("setZoneLimit", **A_LIMIT | {"energyKwh": "1.0005"}),
        200,
        "INVALID_INPUT",
        "A limit is 0.001 to 1000000000 kWh, in steps of 0.001 kWh. [energyKwh]",
    ),
    Row(
        "a limit of 9,000 TWh",
        in_zone("setZoneLimit", **A_LIMIT | {"energyKwh": "9000000000000"}),
        200,
        "INVALID_INPUT",
        "A limit is 0.001 to 1000000000 kWh, in steps of 0.001 kWh. [energyKwh]",
    ),
    Row(
        "a limit by a member",
        in_zone("setZoneLimit", role="member", **A_LIMIT),
        200,
        "FORBIDDEN",
        "You may not set limits of this zone.",
    ),
    Row(
        "a limit removed that is not there",
        in_zone("removeZoneLimit", kind="PER_MEMBER_AND_DAY", **REASON),
        200,
        "NOT_FOUND",
        "The zone has no limit per member and day. [kind]",
    ),
    Row(
        "a capacity of no power",
        in_zone("setZoneCapacity", **A_CAPACITY | {"powerKw": "0"}),
        200,
        "INVALID_INPUT",
        "A capacity is 0.001 to 1000000000 kW. [powerKw]",
    ),
    Row(
        "a capacity of half a watt",
        in_zone("setZoneCapacity", **A_CAPACITY | {"powerKw": "0.0005"}),
        200,
        "INVALID_INPUT",
        "The power is a whole number of watts. [powerKw]",
    ),
    Row(
        "a capacity that was set before",
        in_zone("setZoneCapacity", **A_CAPACITY | {"validFrom": "2026-01-31T23:00:00Z"}),
        200,
        "OVERLAP",
        "The zone has a capacity in this direction from this instant on already. [validFrom]",
    ),
    Row(
        "an emergency without a reason",
        in_zone("issueGridAlert", **AN_ALERT | {"kind": "EMERGENCY"}),
        200,
        "INVALID_INPUT",
        "A reason has 1 to 500 characters, none of them a control character. [reason]",
    ),
    Row(
        "an alert that ends before it starts",
        in_zone("issueGridAlert", **AN_ALERT, startsAt="2100-01-02T00:00:00Z", endsAt="2100-01-01T00:00:00Z"),
        200,
        "INVALID_INPUT",
        "An alert ends after it starts, and after now. [endsAt]",
    ),
    Row(
        "an alert with a title of 121 characters",
        in_zone("issueGridAlert", **AN_ALERT | {"title": "x" * 121}),
        200,
        "INVALID_INPUT",
        "A title has 1 to 120 characters, none of them a control character. [title]",
    ),
    Row(
        "an alert withdrawn by a member",
        done("withdrawGridAlert", lambda id_of: {"id": id_of("GridAlert", "north"), **REASON}, "member"),
        200,
        "FORBIDDEN",
        "You may not withdraw alerts of this zone.",
    ),
    Row(
        "an alert withdrawn that is not there",
        done("withdrawGridAlert", {"id": f"GridAlert:{NOBODYS}", **REASON}),
        200,
        "NOT_FOUND",
        "There is no grid alert",
    ),
    Row(
        "the load of a zone over a century",
        shown("load", ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")),
        200,
        "BAD_USER_INPUT",
        "At most 3000 quarter-hours at a time. [period]",
    ),
)

ALERTS = (
    Row(
        "alerts of a zone that is not there followed",
        framed(
            {
                "id": "1",
                "type": "subscribe",
                "payload": {
                    "query": f'subscription {{ gridAlerts(zoneId: "MarketZone:{NOBODYS}") {{ cursor }} }}',
                },
            }
        ),
        200,
        "BAD_USER_INPUT",
        "There is no such market zone. [zoneId]",
    ),
)

SECTIONS = (
    Section("Zones and the audit log", ZONES, place=120),
    Section("Zones and the audit log", ALERTS, place=122),
)


async def set_scene(session: AsyncSession, world: World) -> None:
    """The west is limited."""
    facts = {"reason": "test", "set_by_id": world.rows["User"]["gridley"], "zone_id": world.rows["MarketZone"]["west"]}
    session.add(ZoneLimit(kind=LimitKind.PER_ORDER, energy_ukwh=parse_micro("5"), **facts))
    await session.flush()
