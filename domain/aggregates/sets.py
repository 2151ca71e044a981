"""What sums of zones and communities are of, by local day, as participations have it now."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Date, Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregates.tables import SetKind
from domain.kernel.quantities import WHOLE_PPM
from domain.metering.tables import Direction


@dataclass(frozen=True, slots=True)
class Subject:
    """What has a sum: a zone, a community or an allocation run."""

    kind: SetKind
    id: UUID


@dataclass(frozen=True, slots=True)
class Taking:
    """A point of a direction is in a sum with some millionths on the local days [valid_from, valid_to).

    `person_id` is who takes part with it: the user who signs in for the member, or else the member; None for nobody.
    """

    subject: Subject
    direction: Direction
    metering_point_id: UUID
    person_id: UUID | None
    factor_ppm: int
    valid_from: date
    valid_to: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a local day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Sets:
    """What is in which sum over a span of days; `order` are the subjects as they are admitted."""

    takings: Sequence[Taking]
    order: Sequence[Subject]
    listed: Collection[UUID]  # Communities that everybody may see.


class Members(NamedTuple):
    """What a sum is of on a day: points in order, who is behind each, and the millionths of it."""

    points: Sequence[UUID]
    persons: Sequence[UUID | None]
    factors_ppm: Sequence[int]


def members(takings: Iterable[Taking], day: date) -> Members:
    """What the sum of some takings is of on a day."""
    there = {each.metering_point_id: each for each in takings if each.holds_on(day)}
    points = sorted(there)
    return Members(points, [there[p].person_id for p in points], [there[p].factor_ppm for p in points])


def changes(takings: Iterable[Taking], first: date, last: date) -> list[date]:
    """The days from first to last on which some sum may differ from that of the day before, the first included."""
    ends = {day for taking in takings for day in (taking.valid_from, taking.valid_to) if day is not None}
    return sorted({first, *(day for day in ends if first < day <= last)})


# A participation with the person behind it and the zone of its point.
PARTS = text("""
    SELECT part.community_id, part.metering_point_id, coalesce(member.user_id, member.id) AS person_id,
           part.factor_ppm, point.directions, part.valid_from, part.valid_to, area.market_zone_id AS zone_id,
           community.is_listed
    FROM participation AS part
    JOIN community ON community.id = part.community_id
    JOIN member ON member.id = part.member_id
    JOIN metering_point AS point ON point.id = part.metering_point_id
    LEFT JOIN substation_area AS area ON area.id = point.substation_area_id
    WHERE part.valid_from <= :last AND (part.valid_to IS NULL OR part.valid_to > :first)
    ORDER BY community.created_at, community.id, part.id
""").bindparams(bindparam("first", type_=Date()), bindparam("last", type_=Date()))
# Readings that zones count of points that nobody took part with on that day.
UNHELD = text("""
    SELECT area.market_zone_id AS zone_id, point.id AS metering_point_id, reading.direction, reading.day
    FROM substation_area AS area
    JOIN metering_point AS point ON point.substation_area_id = area.id
    JOIN reading ON reading.metering_point_id = point.id
    WHERE area.market_zone_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM participation AS part WHERE part.metering_point_id = point.id
                      AND part.valid_from <= :first AND (part.valid_to IS NULL OR part.valid_to > :last))
      AND reading.superseded_at IS NULL AND reading.day BETWEEN :first AND :last
      AND NOT EXISTS (SELECT FROM participation AS part WHERE part.metering_point_id = point.id
                      AND part.valid_from <= reading.day AND (part.valid_to IS NULL OR part.valid_to > reading.day))
""").bindparams(bindparam("first", type_=Date()), bindparam("last", type_=Date()))


async def read(connection: AsyncConnection, first: date, last: date) -> Sets:
    """What all sums of zones and communities are of on the days from first to last."""
    given = {"first": first, "last": last}
    parts = (await connection.execute(PARTS, given)).all()
    unheld = (await connection.execute(UNHELD, given)).all()
    takings = [
        Taking(subject, Direction(way), part.metering_point_id, part.person_id, ppm, part.valid_from, part.valid_to)
        for part in parts
        for subject, ppm in _sums(part)
        for way in part.directions
    ]
    for row in unheld:
        zone = Subject(SetKind.ZONE, row.zone_id)
        day = (row.day, row.day + timedelta(days=1))
        takings.append(Taking(zone, Direction(row.direction), row.metering_point_id, None, WHOLE_PPM, *day))
    zones = sorted({each.subject for each in takings if each.subject.kind is SetKind.ZONE}, key=lambda each: each.id)
    communities = dict.fromkeys(Subject(SetKind.COMMUNITY, part.community_id) for part in parts)
    listed = {part.community_id for part in parts if part.is_listed}
    return Sets(takings, [*zones, *communities], listed)


def _sums(part: Row[Any]) -> Iterator[tuple[Subject, int]]:
    """The sums that a participation is in: its zone's wholly, its community's by its factor."""
    if part.zone_id is not None:
        yield Subject(SetKind.ZONE, part.zone_id), WHOLE_PPM
    yield Subject(SetKind.COMMUNITY, part.community_id), part.factor_ppm
