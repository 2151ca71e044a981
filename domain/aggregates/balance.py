"""What a community injects and withdraws together, each metering point by its participation factor.

Administrators see it whole. Members see intervals of days on which its sets were admitted for them, others the same by
the hour or coarser, and neither sees an interval in which a reading is missing (`domain.aggregates` has the rule).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.aggregates import admission
from domain.aggregates.dominance import dominated
from domain.aggregates.sets import Subject, Taking
from domain.aggregates.tables import Audience, SetKind
from domain.communities.parts import PointInCommunity, taking_part
from domain.identity.viewers import Viewer
from domain.kernel.intervals import Period, Resolution, day_start
from domain.kernel.suppression import Suppression
from domain.metering.series import Grid, Kwh, PointShare, grid, read_excess, read_series
from domain.metering.tables import Direction

Reasons = Sequence[Suppression | None]
FIRST_OF = {reason: place for place, reason in enumerate(Suppression)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A community's balance as it was asked for, and who takes part; `audience` is None for who administers it."""

    community_id: UUID
    intervals: Grid
    zone: ZoneInfo
    audience: Audience | None
    parts: Sequence[PointInCommunity]

    @property
    def subject(self) -> Subject:
        """What is summed."""
        return Subject(SetKind.COMMUNITY, self.community_id)

    @property
    def takings(self) -> list[Taking]:
        """What the balance is of."""
        return [
            Taking(
                self.subject,
                direction,
                part.metering_point_id,
                part.person_id,
                part.factor_ppm,
                part.valid_from,
                part.valid_to,
            )
            for part in self.parts
            for direction in part.directions
        ]

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last local day."""
        return self.intervals.days[0], self.intervals.days[-1]


@dataclass(frozen=True, slots=True)
class Balance:
    """kWh per interval, of those that are `withheld` too; `missing` are indices of intervals that lack a reading.

    Surplus and deficit add up the finest intervals that all readings have; None where they were not asked for.
    """

    starts: Sequence[datetime]
    injected_kwh: Kwh
    withdrawn_kwh: Kwh
    excess_kwh: tuple[Kwh, Kwh] | None
    missing: Sequence[int]
    withheld: Mapping[Direction, Reasons]

    @property
    def is_undecided(self) -> bool:
        """Whether it has yet to be decided what of it may be told."""
        return any(Suppression.UNDECIDED in reasons for reasons in self.withheld.values())


async def asked(
    connection: AsyncConnection,
    community_id: UUID,
    timezone: str,
    period: Period,
    resolution: Resolution,
    *,
    by: Viewer,
) -> Asked:
    """What is asked for of a community that the viewer may see. Raises InvalidValue."""
    zone = ZoneInfo(timezone)
    intervals = grid(period, resolution, zone)
    parts = await taking_part(connection, community_id, intervals.days[0], intervals.days[-1])
    return Asked(community_id, intervals, zone, audience_of(by, community_id), parts)


def audience_of(viewer: Viewer, community_id: UUID) -> Audience | None:
    """As whom a viewer is told a community's sums; None for who sees them whole."""
    if viewer.may_administer(community_id):
        return None
    return Audience.MEMBERS if community_id in viewer.community_ids else Audience.OUTSIDERS


async def decide(session: AsyncSession, asked: Asked) -> None:
    """Decide what of a balance its audience is told."""
    assert asked.audience is not None
    await admission.decide(session, asked.subject, asked.takings, asked.days, asked.audience)


async def read(connection: AsyncConnection, asked: Asked, *, with_excess: bool) -> Balance:
    """A balance, and what of it is withheld. Raises ResolutionTooCoarse."""
    intervals = asked.intervals
    shares = [_share(part) for part in asked.parts]
    series = await read_series(connection, shares, intervals)
    excess = await read_excess(connection, shares, intervals) if with_excess else None
    missing = np.union1d(*series.missing.values()).tolist()
    withheld: Mapping[Direction, Reasons] = {direction: [None] * intervals.size for direction in Direction}
    if asked.audience is not None:
        withheld = await _withheld(connection, asked, {way: set(found) for way, found in series.missing.items()})
        said = {None, Suppression.INCOMPLETE}
        missing = [place for place in missing if all(reasons[place] in said for reasons in withheld.values())]
    injected, withdrawn = series.kwh[Direction.INJECTED], series.kwh[Direction.WITHDRAWN]
    return Balance(_starts(asked), injected, withdrawn, excess, missing, withheld)


async def _withheld(
    connection: AsyncConnection, asked: Asked, missing: Mapping[Direction, set[int]]
) -> dict[Direction, Reasons]:
    """Why each interval of each direction is withheld."""
    assert asked.audience is not None
    told = await admission.told(connection, asked.subject, asked.takings, asked.days, asked.audience)
    is_outside = asked.audience is Audience.OUTSIDERS
    hidden = await _by_month_only(connection, asked) if is_outside else set()
    is_fine = asked.intervals.resolution in (Resolution.QUARTER_HOUR, Resolution.HALF_HOUR)
    found: dict[Direction, Reasons] = {}
    for direction in Direction:
        reasons: list[Suppression | None] = []
        known: dict[tuple[date, bool], Suppression | None] = {}  # The intervals of a day are many.
        for place, days in enumerate(_days_of(asked)):
            like = days[0], place in missing[direction]
            if like not in known:
                of = {told[direction, day] for day in days}
                of |= {Suppression.DOMINANCE for day in days if (direction, day) in hidden}
                of |= {Suppression.INCOMPLETE} if like[1] else set()
                of |= {Suppression.RESOLUTION} if is_outside and is_fine else set()
                known[like] = min((each for each in of if each), key=FIRST_OF.__getitem__, default=None)
            reasons.append(known[like])
        found[direction] = reasons
    return found


async def _by_month_only(connection: AsyncConnection, asked: Asked) -> set[tuple[Direction, date]]:
    """Days of months in which a day is dominated by one person: less than the month would tell that day."""
    if asked.intervals.resolution is Resolution.MONTH:
        return set()
    first, last = asked.days
    end = (last.replace(day=1) + timedelta(days=31)).replace(day=1)
    found = await dominated(connection, asked.parts, first.replace(day=1), end - timedelta(days=1))
    months = {(direction, day.year, day.month) for direction, day in found}
    return {(way, day) for day in asked.intervals.days for way in Direction if (way, day.year, day.month) in months}


def _days_of(asked: Asked) -> Sequence[Sequence[date]]:
    """The local days of each interval."""
    days = asked.intervals.days
    match asked.intervals.resolution:
        case Resolution.DAY:
            return [[day] for day in days]
        case Resolution.MONTH:
            return list(_by_month(days).values())
    step_s, first_s = asked.intervals.resolution.minutes * 60, int(asked.intervals.period.start.timestamp())
    starts_s = first_s + np.arange(asked.intervals.size) * step_s
    places = np.searchsorted(asked.intervals.day_starts_s, starts_s, "right") - 1
    each = [[day] for day in days]
    return [each[place] for place in places.tolist()]


def _starts(asked: Asked) -> Sequence[datetime]:
    """When each interval begins."""
    intervals = asked.intervals
    match intervals.resolution:
        case Resolution.DAY:
            return [day_start(day, asked.zone) for day in intervals.days]
        case Resolution.MONTH:
            return [day_start(days[0], asked.zone) for days in _by_month(intervals.days).values()]
    step = timedelta(minutes=intervals.resolution.minutes)
    return [intervals.period.start + place * step for place in range(intervals.size)]


def _by_month(days: Sequence[date]) -> dict[tuple[int, int], list[date]]:
    found: dict[tuple[int, int], list[date]] = {}
    for day in days:
        found.setdefault((day.year, day.month), []).append(day)
    return found


def _share(part: PointInCommunity) -> PointShare:
    return PointShare(part.metering_point_id, part.directions, part.factor_ppm, part.valid_from, part.valid_to)
