"""Check what was told: on each day the atoms of all sets that anybody was told have five persons."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates.atoms import PERSONS_MIN, Atoms
from domain.aggregates.calendars import Numbers
from domain.aggregates.sets import Members
from domain.aggregates.tables import PublishedSet
from domain.metering.tables import Direction

GUARDS = "I5 sums over people"


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Days and directions on which what was told tells of fewer than five persons, one day at a time."""
    of = PublishedSet
    told = of.withheld.is_(None)
    days = union(select(of.first_day.label("day")).where(told), select(of.end_day).where(told)).order_by("day")
    columns = (of.points, of.persons, of.factors_ppm)
    async for day in await session.stream_scalars(days):
        for direction in Direction:
            on_day = (told, of.direction == direction, of.first_day <= day, of.end_day > day)
            rows = (await session.execute(select(*columns).where(*on_day).order_by(of.id))).all()
            for size in _sizes([Members(*row) for row in rows]):
                if size < PERSONS_MIN:
                    yield f"{direction} {day}: {size} persons can be told from others by the sums that were shown"


def _sizes(told: Sequence[Members]) -> list[int]:
    """Of the atoms of some sets, how many persons each has."""
    numbers = Numbers()
    sums = [numbers.summed(members) for members in told]
    atoms = Atoms(len(numbers.points))
    for summed in sums:
        if len(summed.points):
            atoms.admit(summed)
    return atoms.sizes()
