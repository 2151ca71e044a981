"""Metering points: made once, found by code."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from shapely import Point
from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography import areas
from domain.geography.geometry import as_element
from domain.geography.tables import SubstationArea
from domain.kernel.database import among, new_id
from domain.kernel.errors import DomainError, InvalidValue
from domain.metering import codes
from domain.metering.tables import CodeKind, Direction, MeteringPoint


class CodeTaken(DomainError):
    """Another metering point has this code."""

    def __init__(self, code: str) -> None:
        super().__init__("A metering point with this code is already registered.")
        self.code = code


async def create_point(
    session: AsyncSession,
    *,
    code: str,
    code_kind: CodeKind,
    directions: Iterable[Direction],
    timezone: str,
    location: Point | None,
) -> UUID:
    """A new metering point with the substation area its location lies in. Raises InvalidValue, CodeTaken."""
    metered = sorted({direction.value for direction in directions})
    if not metered:
        raise InvalidValue(("directions",), "A metering point measures at least one direction.")
    area_id = None if location is None else await areas.area_of_point(session, SubstationArea, location.x, location.y)
    kept = codes.normalised(code_kind, code)
    facts = {
        "id": new_id(),
        "code": kept,
        "code_kind": code_kind,
        "directions": metered,
        "timezone": timezone,
        "location": None if location is None else as_element(location),
        "substation_area_id": area_id,
    }
    made = insert(MeteringPoint).values(**facts).on_conflict_do_nothing().returning(MeteringPoint.id)
    id = await session.scalar(made)  # Nothing comes back when someone else was faster.
    if id is None:
        raise CodeTaken(kept)
    return id


async def by_code(session: AsyncSession, texts: Sequence[str], *visible: ColumnElement[bool]) -> dict[str, Any]:
    """Rows of id, code, timezone, directions by the code as it was given; what is unknown or invisible is absent."""
    forms = {text: codes.compared(text) for text in texts}
    query = select(MeteringPoint.id, MeteringPoint.code, MeteringPoint.timezone, MeteringPoint.directions)
    storable = sorted({form for form in forms.values() if form.isprintable()})
    rows = await session.execute(query.where(among(MeteringPoint.code, storable), *visible))
    found = {row.code: row for row in rows}
    return {text: found[form] for text, form in forms.items() if form in found}
