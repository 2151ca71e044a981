from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.events import feed
from domain.events.tables import Notice
from domain.grid import alerts, congestion
from domain.grid.loads import Load
from domain.grid.tables import AlertKind, GridAlert, Severity
from domain.metering.tables import Direction
from tests.factories.identity import a_user
from tests.factories.market import a_zone

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


def a_load(zone_id: UUID, utilisation_ppm: int, start: datetime = NOW) -> Load:
    return Load(zone_id, start, None, 0, Direction.WITHDRAWN, utilisation_ppm // 10, 100_000, utilisation_ppm)


async def measured(session: AsyncSession, zone_id: UUID, *used: int, people: tuple[UUID, ...] = ()) -> None:
    """Tell of a zone that uses so much of its capacity from now on."""
    loads = [a_load(zone_id, each, NOW + timedelta(minutes=15 * i)) for i, each in enumerate(used)]
    await congestion.tell(session, loads, zone_id, people=people, now=NOW)


async def told(session: AsyncSession) -> list[GridAlert]:
    return list(await session.scalars(select(GridAlert).order_by(GridAlert.id)))


async def test_an_episode_is_told_once_and_withdrawn_when_it_is_over(session: AsyncSession) -> None:
    zone_id, person = await a_zone(session), (await a_user(session)).id
    await measured(session, zone_id, 500_000, 899_999, people=(person,))
    assert await told(session) == []

    await measured(session, zone_id, 500_000, 900_000, 950_000, people=(person,))
    await measured(session, zone_id, 990_000, people=(person,))
    await measured(session, zone_id, 860_000, people=(person,))  # Calmer, but not calm.

    (alert,) = await told(session)
    assert (alert.kind, alert.severity, alert.issued_by_id) == (AlertKind.CONGESTION, Severity.WARNING, None)
    assert (alert.starts_at, alert.ends_at, alert.withdrawn_at) == (NOW + timedelta(minutes=15), None, None)
    assert alert.text == "Up to 95 % of the zone's capacity is in use, or will be by what was traded."
    assert [notice.user_id for notice in await session.scalars(select(Notice))] == [person]
    await measured(session, zone_id, 849_999, people=(person,))
    assert (alert.withdrawn_at, alert.withdrawn_reason) == (NOW, "The congestion is over.")
    await measured(session, zone_id, 1_200_000)
    assert [each.severity for each in await told(session)] == [Severity.WARNING, Severity.CRITICAL]
    assert await feed.last_sequence(session, alerts.stream_of(zone_id)) == 3
    acts = await session.scalars(select(AuditEntry.act).order_by(AuditEntry.sequence))
    assert list(acts) == ["grid_alert.issue", "grid_alert.withdraw", "grid_alert.issue"]


def test_history_and_zones_without_a_capacity_call_for_nothing() -> None:
    first, second = UUID(int=1), UUID(int=2)
    old, new = a_load(first, 999_999, NOW - timedelta(hours=2)), a_load(second, 10)
    unknown = Load(first, NOW, None, 0, Direction.WITHDRAWN, 5, None, None)

    assert congestion.current([old, new, unknown], NOW) == {second: [new]}
    assert congestion.alert_of([new]) is None
