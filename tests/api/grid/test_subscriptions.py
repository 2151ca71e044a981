"""Follow the alerts of a zone; resume without gaps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.engine.declarations import global_id
from domain.grid import alerts
from domain.grid.alerts import NewAlert
from domain.grid.tables import AlertKind, Severity
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from tests.api.market.conftest import Live
from tests.factories.grid import an_operator
from tests.factories.market import a_trader, a_zone, now

ALERTS = """subscription ($zone: ID!, $after: String) {
  gridAlerts(zoneId: $zone, after: $after) { cursor isWithdrawn alert { title } } }"""


async def issue(live: Live, operator: Viewer, zone: UUID, title: str, **changes: Any) -> UUID:
    facts: dict[str, Any] = {"kind": AlertKind.OUTAGE, "severity": Severity.WARNING, "text": "x", "starts_at": now()}
    alert = NewAlert(zone, title=title, **(facts | changes))
    async with live.database.transaction() as session:
        return await alerts.issue(session, operator, alert, reason=None, people=(), now=now())


async def withdraw(live: Live, operator: Viewer, alert_id: UUID) -> None:
    async with live.database.transaction() as session:
        await alerts.withdraw(session, operator, alert_id, reason="x", now=now())


async def a_place(live: Live) -> tuple[UUID, Viewer, Viewer]:
    """A zone, its operator, and a person who signed in."""
    async with live.database.transaction() as session:
        zone = await a_zone(session)
        operator, person = await an_operator(session, zone), await a_trader(session)
    assert person.user_id is not None
    return zone, operator, (await live.signed_in(person.user_id))[0]


async def take(results: AsyncIterator[Any], count: int) -> list[tuple[str, bool]]:
    async with asyncio.timeout(10):
        events = [(await anext(results))["gridAlerts"] for _ in range(count)]
    return [(event["alert"]["title"], event["isWithdrawn"]) for event in events]


async def test_alerts_that_stand_come_first_then_news(live: Live) -> None:
    zone, operator, viewer = await a_place(live)
    await issue(live, operator, zone, "stands")
    gone = await issue(live, operator, zone, "gone")
    await withdraw(live, operator, gone)
    await issue(live, operator, zone, "to come", starts_at=now() + timedelta(hours=1))

    async with aclosing(live.follow(ALERTS, viewer, zone=global_id("MarketZone", zone))) as results:  # type: ignore[type-var]
        stood = await take(results, 2)
        news = await issue(live, operator, zone, "new")
        await withdraw(live, operator, news)
        told = await take(results, 2)

    assert stood == [("stands", False), ("to come", False)]
    assert told == [("new", False), ("new", True)]


async def test_alerts_resume_behind_a_cursor_without_gaps(live: Live) -> None:
    zone, operator, viewer = await a_place(live)
    id = global_id("MarketZone", zone)
    for title in ("one", "two", "three"):
        await issue(live, operator, zone, title)

    async with aclosing(live.follow(ALERTS, viewer, zone=id, after="")) as results:  # type: ignore[type-var]
        first = (await anext(results))["gridAlerts"]
    async with aclosing(live.follow(ALERTS, viewer, zone=id, after=first["cursor"])) as results:  # type: ignore[type-var]
        rest = await take(results, 2)

    assert first["alert"]["title"] == "one"
    assert rest == [("two", False), ("three", False)]


async def test_nobody_and_no_zone_are_refused(live: Live) -> None:
    zone, _, viewer = await a_place(live)

    nobody = await anext(live.follow(ALERTS, ANONYMOUS, zone=global_id("MarketZone", zone)))
    nowhere = await anext(live.follow(ALERTS, viewer, zone=global_id("MarketZone", new_id())))
    other = await anext(live.follow(ALERTS, viewer, zone=global_id("MarketZone", zone), after="x"))

    assert (nobody, nowhere, other) == (["UNAUTHENTICATED"], ["BAD_USER_INPUT"], ["BAD_USER_INPUT"])
