"""Check what was told: on each day the atoms of all sets that anybody was told have five persons."""

from collections.abc import AsyncIterator
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates.atoms import PERSONS_MIN, Atoms
from domain.aggregates.tables import PublishedSet, SetKind
from domain.metering.tables import Direction

GUARDS = "I5 sums over people"


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Days and directions on which what was told tells of fewer than five persons."""
    of = PublishedSet
    query = select(of.kind, of.subject_id, of.persons, of.first_day, of.end_day)
    for direction in Direction:
        told = (await session.execute(query.where(of.withheld.is_(None), of.direction == direction))).all()
        zones = {row.subject_id for row in told if row.kind is SetKind.ZONE}
        for day in _changes([(row.first_day, row.end_day) for row in told]):
            atoms = Atoms(zones)
            for row in told:
                if row.first_day <= day < row.end_day:
                    atoms.admit(row.persons)
            for size in atoms.sizes():
                if size < PERSONS_MIN:
                    yield f"{direction} {day}: {size} persons can be told from others by the sums that were shown"


def _changes(spans: list[tuple[date, date]]) -> list[date]:
    """The days on which something begins, or is left when something ends."""
    return sorted({day for span in spans for day in span})
