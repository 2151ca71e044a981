"""Check what was told: on each day the atoms of all sets that anybody was told have five persons."""

from collections.abc import AsyncIterator
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates.atoms import PERSONS_MIN, Atoms
from domain.aggregates.calendars import Numbers
from domain.aggregates.sets import Members
from domain.aggregates.tables import PublishedSet
from domain.metering.tables import Direction

GUARDS = "I5 sums over people"


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Days and directions on which what was told tells of fewer than five persons."""
    of = PublishedSet
    query = select(of.points, of.persons, of.factors_ppm, of.first_day, of.end_day).where(of.withheld.is_(None))
    for direction in Direction:
        told = (await session.execute(query.where(of.direction == direction))).all()
        numbers = Numbers()
        sums = [numbers.summed(Members(row.points, row.persons, row.factors_ppm)) for row in told]
        for day in _changes([(row.first_day, row.end_day) for row in told]):
            atoms = Atoms(len(numbers.points))
            for row, summed in zip(told, sums, strict=True):
                if row.first_day <= day < row.end_day and len(summed.points):
                    atoms.admit(summed)
            for size in atoms.sizes():
                if size < PERSONS_MIN:
                    yield f"{direction} {day}: {size} persons can be told from others by the sums that were shown"


def _changes(spans: list[tuple[date, date]]) -> list[date]:
    """The days on which something begins, or is left when something ends."""
    return sorted({day for span in spans for day in span})
