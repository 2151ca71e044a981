from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.events import feed
from domain.events.tables import Notice
from domain.grid import alerts
from domain.grid.alerts import NewAlert
from domain.grid.tables import AlertKind, GridAlert, Severity
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound
from tests.factories.grid import an_operator
from tests.factories.identity import a_user
from tests.factories.market import a_trader, a_zone, now

HOUR = timedelta(hours=1)


def an_alert(zone_id: UUID, **changes: Any) -> NewAlert:
    """Work on the grid from now on."""
    facts: dict[str, Any] = {
        "kind": AlertKind.MAINTENANCE,
        "severity": Severity.NOTICE,
        "title": "Work on line 7",
        "text": "Two hours without power.",
        "starts_at": now(),
    }
    return NewAlert(zone_id, **(facts | changes))


async def issued(session: AsyncSession, viewer: Viewer, alert: NewAlert, **changes: Any) -> UUID:
    given = {"reason": None, "people": (), "now": now()} | changes
    return await alerts.issue(session, viewer, alert, **given)


async def stored(session: AsyncSession) -> tuple[int, int, int]:
    """Alerts, notices and entries of alerts."""
    counts = []
    for table in (GridAlert, Notice):
        counts.append(len((await session.scalars(select(table.id))).all()))
    entries = select(AuditEntry.sequence).where(AuditEntry.act.startswith("grid_alert."))
    return counts[0], counts[1], len((await session.scalars(entries)).all())


async def test_an_alert_is_told_to_the_zone_and_its_people(session: AsyncSession) -> None:
    zone_id, people = await a_zone(session), [(await a_user(session)).id for _ in range(2)]
    operator = await an_operator(session, zone_id)

    alert_id = await issued(session, operator, an_alert(zone_id, title="  Work on line 7 "), people=people)

    alert = await session.get_one(GridAlert, alert_id)
    assert (alert.title, alert.issued_by_id, alert.ends_at) == ("Work on line 7", operator.user_id, None)
    notices = list(await session.scalars(select(Notice)))
    assert {notice.user_id for notice in notices} == set(people)
    assert {(notice.kind, notice.facts["alert_id"]) for notice in notices} == {("GRID_ALERT", str(alert_id))}
    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.act == "grid_alert.issue"))).one()
    assert (entry.chain, entry.actor, entry.subject_id) == (str(zone_id), operator.key, alert_id)
    assert await feed.last_sequence(session, alerts.stream_of(zone_id)) == 1


async def test_an_emergency_needs_a_reason(session: AsyncSession) -> None:
    zone_id = await a_zone(session)
    operator = await an_operator(session, zone_id)
    emergency = an_alert(zone_id, kind=AlertKind.EMERGENCY, severity=Severity.CRITICAL)

    for reason in (None, " "):
        with pytest.raises(InvalidValue) as refused:
            await issued(session, operator, emergency, reason=reason)
        assert refused.value.path == ("reason",)

    assert await stored(session) == (0, 0, 0)
    await issued(session, operator, emergency, reason="A line is down.")
    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.act == "grid_alert.issue"))).one()
    assert entry.facts["reason"] == "A line is down."


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"text": "a\x00"}, "text"),
        ({"text": "x" * 2_001}, "text"),
        ({"starts_at": now() + HOUR, "ends_at": now() + HOUR / 2}, "endsAt"),
        ({"starts_at": now() - 3 * HOUR, "ends_at": now() - HOUR}, "endsAt"),
    ],
)
async def test_an_alert_that_makes_no_sense_is_refused(
    session: AsyncSession, changes: dict[str, Any], path: str
) -> None:
    zone_id = await a_zone(session)

    with pytest.raises(InvalidValue) as refused:
        await issued(session, await an_operator(session, zone_id), an_alert(zone_id, **changes))

    assert refused.value.path == (path,)
    assert await stored(session) == (0, 0, 0)


async def test_an_alert_is_withdrawn_once_by_who_operates_its_zone(session: AsyncSession) -> None:
    zone_id = await a_zone(session)
    operator, stranger = await an_operator(session, zone_id), await an_operator(session, await a_zone(session))
    alert_id = await issued(session, operator, an_alert(zone_id))
    at = now()
    with pytest.raises(NotAllowed):
        await alerts.withdraw(session, stranger, alert_id, reason="x", now=at)
    with pytest.raises(NotFound):
        await alerts.withdraw(session, operator, new_id(), reason="x", now=at)

    await alerts.withdraw(session, operator, alert_id, reason="It is done.", now=at)
    with pytest.raises(alerts.AlertWithdrawn):
        await alerts.withdraw(session, operator, alert_id, reason="Again.", now=at + HOUR)

    alert = await session.get_one(GridAlert, alert_id)
    assert (alert.withdrawn_at, alert.withdrawn_by_id, alert.withdrawn_reason) == (at, operator.user_id, "It is done.")
    assert await stored(session) == (1, 0, 2)


async def test_only_the_operator_of_a_zone_issues_alerts_there(session: AsyncSession) -> None:
    zone_id = await a_zone(session)

    for viewer in (await a_trader(session), await an_operator(session, await a_zone(session))):
        with pytest.raises(NotAllowed):
            await issued(session, viewer, an_alert(zone_id))

    assert await stored(session) == (0, 0, 0)


async def test_what_stands_is_what_is_in_force_or_to_come(session: AsyncSession) -> None:
    zone_id = await a_zone(session)
    operator, at = await an_operator(session, zone_id), now()
    current = await issued(session, operator, an_alert(zone_id, starts_at=at - HOUR))
    coming = await issued(session, operator, an_alert(zone_id, starts_at=at + HOUR, ends_at=at + 3 * HOUR))
    withdrawn = await issued(session, operator, an_alert(zone_id))
    await issued(session, operator, an_alert(zone_id, starts_at=at - HOUR, ends_at=at + HOUR))
    await alerts.withdraw(session, operator, withdrawn, reason="x", now=at)

    events, last = await alerts.standing(session, zone_id, at + 2 * HOUR)

    assert [event.payload["alert_id"] for event in events] == [str(current), str(coming)]
    assert last == 5
