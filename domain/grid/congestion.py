"""Congestion: episodes in which a zone's utilisation is too high, each told once."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.grid import alerts
from domain.grid.alerts import NewAlert
from domain.grid.loads import CALM_PPM, CONGESTED_PPM, CongestionLevel, Load, level_of
from domain.grid.tables import AlertKind, Severity
from domain.kernel.quantities import WHOLE_PPM

LOOKS_BACK = timedelta(hours=2)  # Quarter-hours that began earlier are history.
SEVERITIES = {CongestionLevel.CONGESTED: Severity.WARNING, CongestionLevel.OVERLOADED: Severity.CRITICAL}


def current(loads: Sequence[Load], now: datetime) -> dict[UUID, list[Load]]:
    """Of each zone the loads of which the capacity is known and that are not history, in order of time."""
    known = [load for load in loads if load.utilisation_ppm is not None and load.interval_start > now - LOOKS_BACK]
    ordered = sorted(known, key=attrgetter("zone_id", "interval_start"))
    return {zone_id: list(group) for zone_id, group in groupby(ordered, key=attrgetter("zone_id"))}


def alert_of(loads: Sequence[Load]) -> NewAlert | None:
    """The alert that the loads of a zone call for: from the first quarter-hour that is congested."""
    congested = [load for load in loads if (load.utilisation_ppm or 0) >= CONGESTED_PPM]
    if not congested:
        return None
    peak = peak_ppm(congested)
    first = congested[0]
    return NewAlert(
        zone_id=first.zone_id,
        kind=AlertKind.CONGESTION,
        severity=SEVERITIES[level_of(peak)],
        title="Congestion",
        text=f"Up to {_percent(peak)} % of the zone's capacity is in use, or will be by what was traded.",
        starts_at=first.interval_start,
    )


def peak_ppm(loads: Sequence[Load]) -> int:
    """The most of its capacity that a zone uses."""
    return max(load.utilisation_ppm or 0 for load in loads)


def _percent(ppm: int) -> int:
    return ppm * 100 // WHOLE_PPM


def is_over(loads: Sequence[Load]) -> bool:
    """Whether no load of a zone is near its capacity any more."""
    return all((load.utilisation_ppm or 0) < CALM_PPM for load in loads)


async def tell(
    session: AsyncSession, loads: Sequence[Load], zone_id: UUID, *, people: Collection[UUID], now: datetime
) -> None:
    """Issue the alert of an episode of a zone that begins, or withdraw the one of an episode that is over."""
    alert = alert_of(loads)
    if alert is not None:
        await alerts.issue_by_itself(session, alert, people=people, used_percent=_percent(peak_ppm(loads)))
    elif is_over(loads):
        await alerts.end_episode(session, zone_id, now=now)
