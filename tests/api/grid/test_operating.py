"""Halts, limits, capacities and alerts over GraphQL."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.grid.tables import GridAlert, ZoneCapacity, ZoneHalt, ZoneLimit
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from domain.market.orders.tables import Order, OrderStatus
from tests.api.conftest import Execute
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.geography import a_substation_area
from tests.factories.grid import an_operator
from tests.factories.identity import a_user, an_admin
from tests.factories.market import BUY, a_market, a_trader, a_zone, an_order, now
from tests.factories.metering import a_metering_point

ERRORS = "errors { __typename code message path"
HALT = f"""mutation ($input: HaltZoneInput!) {{ haltZone(input: $input) {{
  halt {{ reason expiresAt liftedAt zone {{ halt {{ reason }} halts {{ totalCount }} }} haltedBy {{ id }} }}
  {ERRORS} ... on ZoneHalted {{ reason until }} }} }} }}"""
RESUME = f"""mutation ($input: ResumeZoneInput!) {{ resumeZone(input: $input) {{
  halt {{ liftedAt zone {{ halt {{ id }} }} }} {ERRORS} }} }} }}"""
LIMIT = f"""mutation ($input: SetZoneLimitInput!) {{ setZoneLimit(input: $input) {{
  limit {{ kind energyKwh reason
    zone {{ limitPerOrder {{ energyKwh }} limitPerMemberAndDay {{ id }} }} }} {ERRORS} }} }} }}"""
REMOVE = f"""mutation ($input: RemoveZoneLimitInput!) {{ removeZoneLimit(input: $input) {{
  zone {{ limitPerOrder {{ id }} }} {ERRORS} }} }} }}"""
CAPACITY = f"""mutation ($input: SetZoneCapacityInput!) {{ setZoneCapacity(input: $input) {{
  capacity {{ direction powerKw validFrom reason }} {ERRORS} ... on CapacityExists {{ validFrom }} }} }} }}"""
ISSUE = f"""mutation ($input: IssueGridAlertInput!) {{ issueGridAlert(input: $input) {{
  alert {{ id kind severity title text isAutomatic endsAt }} {ERRORS} }} }} }}"""
WITHDRAW = f"""mutation ($input: WithdrawGridAlertInput!) {{ withdrawGridAlert(input: $input) {{
  alert {{ withdrawnReason }} {ERRORS} ... on AlertWithdrawn {{ withdrawnAt }} }} }} }}"""


async def a_place(session: AsyncSession) -> tuple[UUID, str, UUID, Viewer]:
    """A zone, its global id, its market and its operator."""
    zone = await a_zone(session)
    return zone, global_id("MarketZone", zone), await a_market(session, zone), await an_operator(session, zone)


async def rows(session: AsyncSession) -> list[int]:
    """How many rows the grid's tables and the audit log have."""
    tables = (ZoneHalt, ZoneLimit, ZoneCapacity, GridAlert, AuditEntry)
    return [(await session.execute(select(func.count()).select_from(table))).scalar_one() for table in tables]


async def test_an_operator_halts_a_zone_and_resumes_it(session: AsyncSession, execute: Execute) -> None:
    _, id, market, operator = await a_place(session)
    order = await an_order(session, await a_trader(session), market, BUY)
    until = (now() + timedelta(hours=1)).replace(microsecond=0)

    halted = await execute(HALT, operator, input={"zoneId": id, "reason": "Fire", "expiresAt": until.isoformat()})
    again = await execute(HALT, operator, input={"zoneId": id, "reason": "Fire again"})
    status = await session.scalar(select(Order.status).where(Order.id == order))
    resumed = await execute(RESUME, operator, input={"zoneId": id, "reason": "It is out"})
    twice = await execute(RESUME, operator, input={"zoneId": id, "reason": "It is out"})

    end = until.isoformat().replace("+00:00", "Z")
    assert halted.data["haltZone"]["halt"] == {
        "reason": "Fire",
        "expiresAt": end,
        "liftedAt": None,
        "zone": {"halt": {"reason": "Fire"}, "halts": {"totalCount": 1}},
        "haltedBy": {"id": global_id("User", operator.user_id)} if operator.user_id else None,
    }
    assert status is OrderStatus.HALTED
    (refused,) = again.refusals("haltZone")
    assert (refused["__typename"], refused["code"], refused["reason"], refused["until"]) == (
        "ZoneHalted",
        "ZONE_HALTED",
        "Fire",
        end,
    )
    assert resumed.data["resumeZone"]["halt"]["zone"] == {"halt": None}
    assert [each["code"] for each in twice.refusals("resumeZone")] == ["ZONE_NOT_HALTED"]


async def test_an_operator_sets_and_removes_limits(session: AsyncSession, execute: Execute) -> None:
    _, id, market, operator = await a_place(session)
    order = await an_order(session, await a_trader(session), market, BUY, "3")
    given = {"zoneId": id, "kind": "PER_ORDER", "reason": "A weak line"}

    limited = await execute(LIMIT, operator, input={**given, "energyKwh": "2.5"})
    removed = await execute(REMOVE, operator, input=given)
    again = await execute(REMOVE, operator, input=given)

    assert limited.data["setZoneLimit"]["limit"] == {
        "kind": "PER_ORDER",
        "energyKwh": "2.5",
        "reason": "A weak line",
        "zone": {"limitPerOrder": {"energyKwh": "2.5"}, "limitPerMemberAndDay": None},
    }
    stored = await session.get_one(Order, order, populate_existing=True)
    assert (stored.status, stored.closed_reason) == (OrderStatus.REJECTED, "ZONE_LIMIT")
    assert removed.data["removeZoneLimit"]["zone"] == {"limitPerOrder": None}
    (refused,) = again.refusals("removeZoneLimit")
    assert (refused["code"], refused["path"]) == ("NOT_FOUND", ["kind"])


async def test_an_operator_says_what_a_zone_can_take(session: AsyncSession, execute: Execute) -> None:
    _, id, _, operator = await a_place(session)
    given = {"zoneId": id, "direction": "WITHDRAWN", "validFrom": "2026-01-01T00:00:00Z", "reason": "Built"}

    said = await execute(CAPACITY, operator, input={**given, "powerKw": "630.5"})
    again = await execute(CAPACITY, operator, input={**given, "powerKw": "1"})
    odd = await execute(CAPACITY, operator, input={**given, "powerKw": "0.0005"})

    assert said.data["setZoneCapacity"]["capacity"] == {
        "direction": "WITHDRAWN",
        "powerKw": "630.5",
        "validFrom": "2026-01-01T00:00:00Z",
        "reason": "Built",
    }
    (refused,) = again.refusals("setZoneCapacity")
    assert (refused["__typename"], refused["validFrom"]) == ("CapacityExists", "2026-01-01T00:00:00Z")
    assert [each["path"] for each in odd.refusals("setZoneCapacity")] == [["powerKw"]]


async def test_an_alert_reaches_the_people_of_the_zone(session: AsyncSession, execute: Execute) -> None:
    zone, id, _, operator = await a_place(session)
    area = await a_substation_area(session, str(new_id()), market_zone_id=zone)
    person = await a_user(session)
    membership = await a_membership(session, await a_community(session), await a_member(session, person))
    await a_participation(session, membership, await a_metering_point(session, substation_area_id=area.id))
    given = {"zoneId": id, "kind": "OUTAGE", "severity": "CRITICAL", "title": "No power", "text": "In the valley."}

    issued = await execute(ISSUE, operator, input=given)
    alert = issued.data["issueGridAlert"]["alert"]
    withdrawn = await execute(WITHDRAW, operator, input={"id": alert["id"], "reason": "It is back"})
    again = await execute(WITHDRAW, operator, input={"id": alert["id"], "reason": "It is back"})

    assert {**alert, "id": None} == {
        "id": None,
        "kind": "OUTAGE",
        "severity": "CRITICAL",
        "title": "No power",
        "text": "In the valley.",
        "isAutomatic": False,
        "endsAt": None,
    }
    assert [notice.user_id for notice in await session.scalars(select(Notice))] == [person.id]
    assert withdrawn.data["withdrawGridAlert"]["alert"] == {"withdrawnReason": "It is back"}
    assert [each["code"] for each in again.refusals("withdrawGridAlert")] == ["ALERT_WITHDRAWN"]


ALERTS = """query ($id: ID!, $filter: GridAlertFilter) { node(id: $id) { ... on MarketZone {
  alerts(filter: $filter) { edges { node { title } } } } } }"""


async def test_alerts_are_found_by_kind_and_by_being_in_force(session: AsyncSession, execute: Execute) -> None:
    _, id, _, operator = await a_place(session)
    later = (now() + timedelta(hours=1)).isoformat()
    for kind, title, starts in (("OUTAGE", "now", None), ("MAINTENANCE", "later", later), ("OUTAGE", "gone", None)):
        given = {"zoneId": id, "kind": kind, "severity": "NOTICE", "title": title, "text": "x", "startsAt": starts}
        made = await execute(ISSUE, operator, input=given)
    gone = made.data["issueGridAlert"]["alert"]["id"]
    await execute(WITHDRAW, operator, input={"id": gone, "reason": "x"})

    async def titles(**filter: Any) -> list[str]:
        found = await execute(ALERTS, ANONYMOUS, id=id, filter=filter)
        return [edge["node"]["title"] for edge in found.data["node"]["alerts"]["edges"]]

    assert await titles() == ["now", "later", "gone"]
    assert await titles(kind="OUTAGE") == ["now", "gone"]
    assert await titles(isInForce=True) == ["now"]
    assert await titles(isInForce=False) == ["later", "gone"]
    assert await titles(kind="MAINTENANCE", isInForce=True) == []


def inputs(zone: str, alert: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every act of an operator, by its field."""
    reason = {"reason": "x"}
    start = datetime(2026, 1, 1).astimezone().isoformat()
    told = {"kind": "EMERGENCY", "severity": "NOTICE", "title": "x", "text": "x"}
    return {
        "haltZone": (HALT, {"zoneId": zone, **reason}),
        "resumeZone": (RESUME, {"zoneId": zone, **reason}),
        "setZoneLimit": (LIMIT, {"zoneId": zone, "kind": "PER_ORDER", "energyKwh": "1", **reason}),
        "removeZoneLimit": (REMOVE, {"zoneId": zone, "kind": "PER_ORDER", **reason}),
        "setZoneCapacity": (
            CAPACITY,
            {"zoneId": zone, "direction": "INJECTED", "powerKw": "1", "validFrom": start, **reason},
        ),
        "issueGridAlert": (ISSUE, {"zoneId": zone, **told, **reason}),
        "withdrawGridAlert": (WITHDRAW, {"id": alert, **reason}),
    }


async def an_alert_of(session: AsyncSession, zone: UUID) -> str:
    alert = GridAlert(zone_id=zone, kind="OUTAGE", severity="NOTICE", title="x", text="x", starts_at=now())
    session.add(alert)
    await session.flush()
    return global_id("GridAlert", alert.id)


@pytest.mark.parametrize("field", list(inputs("", "")))
@pytest.mark.parametrize("who", ["nobody", "trader", "operator of another zone", "partner of the operator"])
async def test_others_operate_nothing(session: AsyncSession, execute: Execute, field: str, who: str) -> None:
    zone, id, _, operator = await a_place(session)
    document, given = inputs(id, await an_alert_of(session, zone))[field]
    viewers = {
        "nobody": ANONYMOUS,
        "trader": await a_trader(session),
        "operator of another zone": await an_operator(session, await a_zone(session)),
        "partner of the operator": Viewer(
            user_id=operator.user_id,
            api_key_id=new_id(),
            api_key_kind=ApiKeyKind.PARTNER,
            scopes=frozenset({"read", "trade"}),
        ),
    }
    before = await rows(session)

    answer = await execute(document, viewers[who], input=given)

    assert [error["code"] for error in answer.errors] == ["UNAUTHENTICATED" if who == "nobody" else "FORBIDDEN"]
    assert await rows(session) == before


@pytest.mark.parametrize("field", list(inputs("", "")))
async def test_every_act_needs_a_reason(session: AsyncSession, execute: Execute, field: str) -> None:
    zone, id, _, operator = await a_place(session)
    document, given = inputs(id, await an_alert_of(session, zone))[field]
    before = await rows(session)

    answer = await execute(document, operator, input={**given, "reason": " "})

    assert [(error["code"], error["path"]) for error in answer.refusals(field)] == [("INVALID_INPUT", ["reason"])]
    assert await rows(session) == before


@pytest.mark.parametrize(
    "field", ["haltZone", "setZoneLimit", "setZoneCapacity", "issueGridAlert", "withdrawGridAlert"]
)
async def test_what_is_not_there_is_not_found(session: AsyncSession, execute: Execute, field: str) -> None:
    nowhere = new_id()
    document, given = inputs(global_id("MarketZone", nowhere), global_id("GridAlert", nowhere))[field]

    answer = await execute(document, an_admin(), input=given)

    assert [error["code"] for error in answer.refusals(field)] == ["NOT_FOUND"]


async def test_an_administrator_of_the_platform_operates_any_zone(session: AsyncSession, execute: Execute) -> None:
    zone, id, _, _ = await a_place(session)
    admin = Viewer(user_id=(await a_user(session)).id, roles=an_admin().roles)

    for field, (document, given) in inputs(id, await an_alert_of(session, zone)).items():
        answer = await execute(document, admin, input=given)
        assert answer.refusals(field) == []

    assert await rows(session) == [1, 0, 1, 2, 8]
