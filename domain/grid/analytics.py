"""What a zone went through in a period, and how it is now.

Congestion is counted over the loads that the viewer may see; `measured` says over how much.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, DateTime, Uuid, bindparam, case, cast, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid import loads, visibility
from domain.grid.loads import CONGESTED_PPM, QUARTER, CongestionLevel
from domain.grid.tables import GridAlert, Severity, ZoneHalt, ZoneLoad
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.intervals import Period
from domain.kernel.quantities import WHOLE_PPM

FRESH = timedelta(hours=2)  # A load that began earlier says nothing of now.


class Health(StrEnum):
    """How a zone is now, worst first."""

    HALTED = "HALTED"
    CRITICAL = "CRITICAL"
    STRESSED = "STRESSED"
    HEALTHY = "HEALTHY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Signs:
    """What health is told by; None where nothing is known or nothing stands."""

    is_halted: bool = False
    worst_alert: Severity | None = None
    level: CongestionLevel | None = None


# Asked in this order; the first that holds counts.
RULES: tuple[tuple[Health, Callable[[Signs], bool]], ...] = (
    (Health.HALTED, lambda signs: signs.is_halted),
    (
        Health.CRITICAL,
        lambda signs: signs.worst_alert is Severity.CRITICAL or signs.level is CongestionLevel.OVERLOADED,
    ),
    (
        Health.STRESSED,
        lambda signs: (
            signs.worst_alert is Severity.WARNING
            or signs.level in {CongestionLevel.CONGESTED, CongestionLevel.ELEVATED}
        ),
    ),
    (Health.HEALTHY, lambda signs: signs.level is CongestionLevel.NORMAL),
    (Health.UNKNOWN, lambda signs: True),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """Spans of time within a period, and the highest utilisation in it."""

    measured: timedelta = timedelta(0)
    congested: timedelta = timedelta(0)
    overloaded: timedelta = timedelta(0)
    halted: timedelta = timedelta(0)
    peak_utilisation_ppm: int | None = None
    alerts: int = 0


def health_of(signs: Signs) -> Health:
    """The first of RULES that holds."""
    return next(health for health, holds in RULES if holds(signs))


async def summaries(
    session: AsyncSession, zone_ids: Collection[UUID], period: Period, by: Viewer, *, now: datetime
) -> dict[UUID, Summary]:
    """What zones went through, by the loads that a viewer may see: who operates a zone by the quarter-hour."""
    loaded = await _loaded(session, zone_ids, period, visibility.loads(by), visibility.operated(by))
    halted = await _halted(session, zone_ids, period, now)
    told = await _alerts(session, zone_ids, period)
    found = {}
    for zone_id in zone_ids:
        measured, congested, overloaded, peak = loaded.get(zone_id, (0, 0, 0, None))
        found[zone_id] = Summary(
            measured=measured * QUARTER,
            congested=congested * QUARTER,
            overloaded=overloaded * QUARTER,
            halted=halted.get(zone_id, timedelta(0)),
            peak_utilisation_ppm=peak,
            alerts=told.get(zone_id, 0),
        )
    return found


async def signs(session: AsyncSession, zone_ids: Collection[UUID], by: Viewer, *, now: datetime) -> dict[UUID, Signs]:
    """What tells of the health of zones now, by the loads that a viewer may see."""
    halts = select(ZoneHalt.zone_id).where(among(ZoneHalt.zone_id, zone_ids), ZoneHalt.lifted_at.is_(None))
    halted = set(await session.scalars(halts))
    in_force = (GridAlert.withdrawn_at.is_(None), GridAlert.starts_at <= now)
    alerts = select(GridAlert.zone_id, GridAlert.severity).where(among(GridAlert.zone_id, zone_ids), *in_force)
    alerts = alerts.where(or_(GridAlert.ends_at.is_(None), GridAlert.ends_at > now))
    severities: dict[UUID, set[Severity]] = {}
    for zone_id, severity in await session.execute(alerts):
        severities.setdefault(zone_id, set()).add(severity)
    levels = await _levels(session, zone_ids, visibility.loads(by), now)
    worst = tuple(reversed(Severity))
    return {
        zone_id: Signs(
            is_halted=zone_id in halted,
            worst_alert=next((each for each in worst if each in severities.get(zone_id, ())), None),
            level=levels.get(zone_id),
        )
        for zone_id in zone_ids
    }


async def _loaded(
    session: AsyncSession,
    zone_ids: Collection[UUID],
    period: Period,
    seen: ColumnElement[bool],
    fine: ColumnElement[bool],
) -> dict[UUID, tuple[int, int, int, int | None]]:
    """Of each zone the quarter-hours of known utilisation, those congested and overloaded, and the highest.

    Where it is not `fine` the mean of an hour stands for its quarter-hours.
    """
    start = ZoneLoad.interval_start
    cell = case((fine, start), else_=func.date_trunc("hour", start)).label("cell")
    measured, used = func.count().label("measured"), cast(func.round(func.avg(ZoneLoad.utilisation_ppm)), BigInteger)
    cells = loads.newest().with_only_columns(ZoneLoad.zone_id, cell, measured, used.label("used"))
    cells = cells.where(among(ZoneLoad.zone_id, zone_ids), seen, ZoneLoad.utilisation_ppm.is_not(None))
    cells = cells.where(start >= period.start, start < period.end).group_by(ZoneLoad.zone_id, "cell")
    of = cells.subquery("of_cell").c
    counts = (
        func.sum(of.measured),
        func.coalesce(func.sum(of.measured).filter(of.used >= CONGESTED_PPM), 0),
        func.coalesce(func.sum(of.measured).filter(of.used >= WHOLE_PPM), 0),
        func.max(of.used),
    )
    query = select(of.zone_id, *counts).group_by(of.zone_id)
    return {row[0]: (int(row[1]), int(row[2]), int(row[3]), row[4]) for row in await session.execute(query)}


async def _levels(
    session: AsyncSession, zone_ids: Collection[UUID], seen: ColumnElement[bool], now: datetime
) -> dict[UUID, CongestionLevel]:
    """The level of the newest quarter-hour of each zone that has begun and is not long ago."""
    query = loads.newest().with_only_columns(ZoneLoad.zone_id, ZoneLoad.utilisation_ppm)
    query = query.where(among(ZoneLoad.zone_id, zone_ids), ZoneLoad.utilisation_ppm.is_not(None), seen)
    query = query.where(ZoneLoad.interval_start <= now, ZoneLoad.interval_start > now - FRESH)
    rows = await session.execute(query.order_by(ZoneLoad.interval_start))
    return {zone_id: loads.level_of(used) for zone_id, used in rows if used is not None}


HALTED = text("""
    SELECT zone_id, sum(least(coalesce(lifted_at, expires_at, :now), :until) - greatest(started_at, :start)) AS span
    FROM zone_halt
    WHERE zone_id = ANY(:zone_ids) AND started_at < :until AND coalesce(lifted_at, expires_at, :now) > :start
    GROUP BY zone_id
""").bindparams(
    bindparam("zone_ids", type_=ARRAY(Uuid())),
    bindparam("start", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
    bindparam("now", type_=DateTime(timezone=True)),
)


async def _halted(
    session: AsyncSession, zone_ids: Collection[UUID], period: Period, now: datetime
) -> dict[UUID, timedelta]:
    """How long each zone was halted in a period, up to now."""
    until = min(period.end, now)
    if until <= period.start:
        return {}
    given = {"zone_ids": list(zone_ids), "start": period.start, "until": until, "now": now}
    return {row.zone_id: row.span for row in await session.execute(HALTED, given)}


async def _alerts(session: AsyncSession, zone_ids: Collection[UUID], period: Period) -> dict[UUID, int]:
    """How many alerts were in force at some time of a period."""
    ended = func.coalesce(func.least(GridAlert.withdrawn_at, GridAlert.ends_at), period.end)
    query = select(GridAlert.zone_id, func.count()).group_by(GridAlert.zone_id)
    query = query.where(among(GridAlert.zone_id, zone_ids), GridAlert.starts_at < period.end, ended > period.start)
    return {zone_id: count for zone_id, count in await session.execute(query)}  # noqa: C416
