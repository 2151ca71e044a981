"""What a community injects and withdraws together, each metering point by its participation factor.

An aggregate of few tells of one: who does not administer the community gets a balance only where on every day on which
anybody takes part at least five members do (invariant I5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.tables import Participation
from domain.errors import DomainError
from domain.identity.viewers import Viewer
from domain.intervals import Period, Resolution
from domain.metering.series import Grid, Kwh, PointShare, grid, read_series
from domain.metering.tables import Direction, MeteringPoint

MEMBERS_MIN = 5


class TooFewMembers(DomainError):
    """The aggregate would tell too much of single members."""

    def __init__(self, minimum: int) -> None:
        super().__init__(f"On some day of the period fewer than {minimum} members take part with a metering point.")
        self.minimum = minimum


@dataclass(frozen=True, slots=True)
class Balance:
    """kWh per interval; `missing` are indices of intervals in which a reading is missing."""

    injected_kwh: Kwh
    withdrawn_kwh: Kwh
    missing: Sequence[int]

    @property
    def surplus_kwh(self) -> Kwh:
        """max(0, injected - withdrawn) of each interval of the resolution."""
        return np.maximum(0.0, self.injected_kwh - self.withdrawn_kwh)

    @property
    def deficit_kwh(self) -> Kwh:
        """max(0, withdrawn - injected) of each interval of the resolution."""
        return np.maximum(0.0, self.withdrawn_kwh - self.injected_kwh)


async def read_balance(
    connection: AsyncConnection,
    community_id: UUID,
    timezone: str,
    period: Period,
    resolution: Resolution,
    *,
    by: Viewer,
) -> Balance:
    """The balance of a community that the viewer may see. Raises InvalidValue, TooFewMembers, ResolutionTooCoarse."""
    intervals = grid(period, resolution, ZoneInfo(timezone))
    rows = await _participations(connection, community_id, intervals.days[0], intervals.days[-1])
    if not by.may_administer(community_id) and _too_few(rows, intervals):
        raise TooFewMembers(MEMBERS_MIN)
    series = await read_series(connection, [_share(row) for row in rows], intervals)
    missing = np.union1d(*series.missing.values()).tolist()
    return Balance(series.kwh[Direction.INJECTED], series.kwh[Direction.WITHDRAWN], missing)


async def _participations(connection: AsyncConnection, community_id: UUID, first: date, last: date) -> Sequence[Any]:
    query = (
        select(
            Participation.metering_point_id,
            Participation.member_id,
            Participation.factor_ppm,
            Participation.valid_from,
            Participation.valid_to,
            MeteringPoint.directions,
        )
        .join(MeteringPoint, MeteringPoint.id == Participation.metering_point_id)
        .where(Participation.community_id == community_id, Participation.valid_from <= last)
        .where(or_(Participation.valid_to.is_(None), Participation.valid_to > first))
    )
    return (await connection.execute(query)).all()


def _share(row: Any) -> PointShare:
    directions = frozenset(Direction(direction) for direction in row.directions)
    return PointShare(row.metering_point_id, directions, row.factor_ppm, row.valid_from, row.valid_to)


def _too_few(rows: Sequence[Any], intervals: Grid) -> bool:
    """Whether on some day members take part, but too few; what is there changes only where a participation does."""
    first, last = intervals.days[0], intervals.days[-1]
    changes = {first, *(day for row in rows for day in (row.valid_from, row.valid_to) if day is not None)}
    for day in sorted(day for day in changes if first <= day <= last):
        taking_part = {row.member_id for row in rows if _holds(row, day)}
        if 0 < len(taking_part) < MEMBERS_MIN:
            return True
    return False


def _holds(row: Any, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
