"""Decide which sums may be told, keep what was decided, and find it again.

What an audience is told of a subject on a day is a sum of points; a decision holds for those very points. Whoever reads
a sum says what it is of: where nothing was decided of that, it is UNDECIDED, and `decide` asks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.aggregates import sets
from domain.aggregates.atoms import PERSONS_MIN, Atoms
from domain.aggregates.calendars import Calendar, Numbers, connected
from domain.aggregates.sets import Members, Sets, Subject, Taking
from domain.aggregates.tables import Audience, PublishedSet, SetKind
from domain.kernel import database
from domain.kernel.database import new_id
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction

DAY = timedelta(days=1)
REFUSAL_STANDS = timedelta(days=1)  # Then it is asked again: others may have joined.
# A member knows himself, so that five others are needed.
NEEDED: Mapping[Audience, int] = MappingProxyType({Audience.OUTSIDERS: PERSONS_MIN, Audience.MEMBERS: PERSONS_MIN + 1})


@dataclass(frozen=True, slots=True)
class Segment:
    """Local days [first, end) on which no set changes."""

    first: date
    end: date

    @property
    def days(self) -> Iterator[date]:
        """Each of its days."""
        return (self.first + number * DAY for number in range((self.end - self.first).days))


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a sum of some points is told on some days."""

    segment: Segment
    members: Members
    withheld: Suppression | None


Told = Mapping[tuple[Direction, date], Suppression | None]


def segments(takings: Iterable[Taking], first: date, last: date) -> list[Segment]:
    """The days from first to last, cut where a set changes."""
    return [Segment(*each) for each in pairwise([*sets.changes(takings, first, last), last + DAY])]


async def told(
    connection: AsyncConnection,
    subject: Subject,
    takings: Sequence[Taking],
    days: tuple[date, date],
    audience: Audience,
) -> Told:
    """Whether the sums of a subject are told an audience, by direction and local day from the first to the last.

    `takings` are what the sum is of. None where it is told, or where nobody takes part, so that it is nothing.
    """
    now = await database.clock(connection)
    rows = await _decided(connection, subject, days, audience)
    found: dict[tuple[Direction, date], Suppression | None] = {}
    for direction in Direction:
        mine = [taking for taking in takings if taking.direction is direction]
        for segment in segments(mine, *days):
            members = sets.members(mine, segment.first)
            same = [row for row in rows if row.direction is direction and _is_of(row, members) and _stands(row, now)]
            for day in segment.days:
                found[direction, day] = _of_day(same, day) if members.points else None
    return found


def _is_of(row: Row[Any], members: Members) -> bool:
    return (row.points, row.persons, row.factors_ppm) == members


def _of_day(rows: Iterable[Row[Any]], day: date) -> Suppression | None:
    row = next((row for row in rows if row.first_day <= day < row.end_day), None)
    return Suppression.UNDECIDED if row is None else row.withheld


def _stands(row: Row[Any], now: datetime) -> bool:
    return row.withheld is None or now - row.decided_at < REFUSAL_STANDS


async def _decided(
    connection: AsyncConnection, subject: Subject, days: tuple[date, date], audience: Audience
) -> list[Row[Any]]:
    of = PublishedSet
    content = (of.points, of.persons, of.factors_ppm)
    query = select(of.direction, *content, of.first_day, of.end_day, of.withheld, of.decided_at)
    query = query.where(of.subject_id == subject.id, of.audience == audience)
    # What was told goes before what was refused at another time.
    query = query.where(of.first_day <= days[1], of.end_day > days[0]).order_by(of.withheld.nulls_first(), of.id)
    return list(await connection.execute(query))


async def decide(
    session: AsyncSession, subject: Subject, takings: Sequence[Taking], days: tuple[date, date], audience: Audience
) -> None:
    """Decide of the sums of a subject for an audience, on the local days from the first to the last, and keep it.

    `takings` are what the sum is of; of days without any a run keeps that they were decided too.
    """
    # One decides at a time: each decision stands on those before.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("published sets", 0))))
    connection = await session.connection()
    now = await sets.read(connection, *days)
    book = Book(now, await _told_already(connection, days), takings)
    await _forget_refusals(session, subject, days, audience)
    for direction in Direction:
        ours = [taking for taking in takings if taking.direction is direction]
        decisions: list[Decision] = []
        for segment in segments([*book.takings, *ours], *days):
            members = sets.members(ours, segment.first)
            withheld = book.verdict(subject, members, segment.first, direction, audience) if members.points else None
            if members.points or subject.kind is SetKind.RUN:
                _append(decisions, Decision(segment, members, withheld))
        await _keep(session, subject, direction, audience, decisions)


class Book:
    """All that bears upon some points: the sums they are in now, those that were told, and what these lead on to."""

    def __init__(self, now: Sets, standing: Sequence[Taking], ours: Sequence[Taking]) -> None:
        self._numbers = numbers = Numbers()
        there = connected([*now.takings, *standing], {taking.metering_point_id for taking in ours})
        self.takings = [taking for taking in (*now.takings, *standing) if taking.subject in there]
        self._listed = now.listed
        told = list(dict.fromkeys(taking.subject for taking in standing if taking.subject in there))
        order = [subject for subject in now.order if subject in there]
        self._told = {way: Calendar(standing, told, numbers, way) for way in Direction}
        self._now = {way: Calendar(now.takings, order, numbers, way) for way in Direction}

    def verdict(
        self, subject: Subject, members: Members, day: date, direction: Direction, audience: Audience
    ) -> Suppression | None:
        """Whether a sum may join those that were told, and those that come before it."""
        wanted = self._numbers.summed(members)
        atoms = Atoms(len(self._numbers.points))
        for each in self._told[direction].on(day).values():
            atoms.admit(each)
        there = self._now[direction].on(day)
        for stage in Audience:
            for other, theirs in there.items():
                if (other, stage) == (subject, audience):
                    return atoms.refuses(wanted, NEEDED[audience])
                if _is_asked(stage, other, self._listed) and atoms.refuses(theirs, NEEDED[stage]) is None:
                    atoms.admit(theirs)
        return atoms.refuses(wanted, NEEDED[audience])


def _is_asked(stage: Audience, subject: Subject, listed: Collection[UUID]) -> bool:
    """Whether an audience may see a subject at all: zones have no members, and unlisted communities no outsiders."""
    if subject.kind is SetKind.ZONE:
        return stage is Audience.OUTSIDERS
    return stage is Audience.MEMBERS or subject.id in listed


def _append(decisions: list[Decision], decision: Decision) -> None:
    """Add a decision, to the last one where it is the same."""
    if decisions:
        before = decisions[-1]
        same = (before.segment.end, before.members, before.withheld)
        if same == (decision.segment.first, decision.members, decision.withheld):
            decisions[-1] = replace(decision, segment=Segment(before.segment.first, decision.segment.end))
            return
    decisions.append(decision)


async def _told_already(connection: AsyncConnection, days: tuple[date, date]) -> list[Taking]:
    """The sets that anybody was told on some of the days; each stands for itself, whatever it is of."""
    of = PublishedSet
    content = (of.points, of.persons, of.factors_ppm)
    query = select(of.id, of.kind, of.direction, *content, of.first_day, of.end_day)
    query = query.where(of.withheld.is_(None), of.first_day <= days[1], of.end_day > days[0]).order_by(of.id)
    return [
        Taking(Subject(row.kind, row.id), row.direction, *member, row.first_day, row.end_day)
        for row in await connection.execute(query)
        for member in zip(row.points, row.persons, row.factors_ppm, strict=True)
    ]


async def _forget_refusals(
    session: AsyncSession, subject: Subject, days: tuple[date, date], audience: Audience
) -> None:
    of = PublishedSet
    old = delete(of).where(of.subject_id == subject.id, of.audience == audience, of.withheld.is_not(None))
    await session.execute(old.where(of.first_day <= days[1], of.end_day > days[0]))


async def _keep(
    session: AsyncSession,
    subject: Subject,
    direction: Direction,
    audience: Audience,
    decisions: Sequence[Decision],
) -> None:
    """Write decisions down; what was told of the same set and touches them becomes one row with them."""
    of = PublishedSet
    for decision in decisions:
        first, end = decision.segment.first, decision.segment.end
        content = decision.members._asdict()
        if decision.withheld is None:
            same = delete(of).where(of.subject_id == subject.id, of.direction == direction, of.audience == audience)
            same = same.where(of.withheld.is_(None), *(getattr(of, name) == given for name, given in content.items()))
            same = same.where(of.first_day <= end, of.end_day >= first)
            touched = (await session.execute(same.returning(of.first_day, of.end_day))).all()
            first = min([first, *(row.first_day for row in touched)])
            end = max([end, *(row.end_day for row in touched)])
        row = {"kind": subject.kind, "subject_id": subject.id, "direction": direction, "audience": audience}
        days = {"first_day": first, "end_day": end}
        await session.execute(insert(of).values(id=new_id(), withheld=decision.withheld, **content, **row, **days))
