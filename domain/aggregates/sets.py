"""The sets of persons behind sums of zones and communities, by local day, as participations have them now."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Date, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregates.tables import SetKind
from domain.metering.tables import Direction

Persons = frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Subject:
    """What has a sum: a zone, a community or an allocation run."""

    kind: SetKind
    id: UUID


@dataclass(frozen=True, slots=True)
class Taking:
    """A person takes part in a set with a point of a direction on the local days [valid_from, valid_to)."""

    subject: Subject
    direction: Direction
    person_id: UUID
    valid_from: date
    valid_to: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a local day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Sets:
    """Who takes part in what over a span of days; `order` are the subjects as they are admitted."""

    takings: Sequence[Taking]
    order: Sequence[Subject]
    listed: Collection[UUID]  # Communities that everybody may see.
    uncounted: Collection[UUID]  # What stands for points of a zone that nobody takes part with.

    def on(self, day: date, direction: Direction) -> dict[Subject, Persons]:
        """The sets that are not empty on a day, in order."""
        found: dict[Subject, set[UUID]] = {subject: set() for subject in self.order}
        for taking in self.takings:
            if taking.direction is direction and taking.holds_on(day):
                found[taking.subject].add(taking.person_id)
        return {subject: frozenset(persons) for subject, persons in found.items() if persons}


def changes(takings: Iterable[Taking], first: date, last: date) -> list[date]:
    """The days from first to last on which some set may differ from that of the day before, first included."""
    ends = {day for taking in takings for day in (taking.valid_from, taking.valid_to) if day is not None}
    return sorted({first, *(day for day in ends if first < day <= last)})


# A participation with the person behind it and the zone of its point.
PARTS = text("""
    SELECT part.community_id, coalesce(member.user_id, member.id) AS person_id, point.directions,
           part.valid_from, part.valid_to, area.market_zone_id AS zone_id, community.is_listed
    FROM participation AS part
    JOIN community ON community.id = part.community_id
    JOIN member ON member.id = part.member_id
    JOIN metering_point AS point ON point.id = part.metering_point_id
    LEFT JOIN substation_area AS area ON area.id = point.substation_area_id
    WHERE part.valid_from <= :last AND (part.valid_to IS NULL OR part.valid_to > :first)
    ORDER BY community.created_at, community.id
""").bindparams(bindparam("first", type_=Date()), bindparam("last", type_=Date()))
# Zones in which readings are counted of points that nobody took part with on that day.
UNHELD = text("""
    SELECT DISTINCT area.market_zone_id AS zone_id, reading.direction
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
    """All sets of zones and communities on the days from first to last."""
    given = {"first": first, "last": last}
    parts = (await connection.execute(PARTS, given)).all()
    unheld = (await connection.execute(UNHELD, given)).all()
    takings = [
        Taking(subject, Direction(direction), part.person_id, part.valid_from, part.valid_to)
        for part in parts
        for subject in _subjects(part.zone_id, part.community_id)
        for direction in part.directions
    ]
    for row in unheld:
        zone = Subject(SetKind.ZONE, row.zone_id)
        takings.append(Taking(zone, Direction(row.direction), row.zone_id, first, None))
    zones = sorted({each.subject for each in takings if each.subject.kind is SetKind.ZONE}, key=lambda each: each.id)
    communities = dict.fromkeys(Subject(SetKind.COMMUNITY, part.community_id) for part in parts)
    listed = {part.community_id for part in parts if part.is_listed}
    return Sets(takings, [*zones, *communities], listed, {row.zone_id for row in unheld})


def _subjects(zone_id: UUID | None, community_id: UUID) -> Iterable[Subject]:
    if zone_id is not None:
        yield Subject(SetKind.ZONE, zone_id)
    yield Subject(SetKind.COMMUNITY, community_id)
