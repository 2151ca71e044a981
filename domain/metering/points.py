"""Metering points, found by code.

Decision, 2026-11-30: two points may have one code where nobody sees both. Refusing the second would tell anybody, as
anybody can found a community, which points take part somewhere. Nothing proves a code anyway, be it the first or the
second to come; so those who administer the platform hear of it, and whoever registered it does not.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from shapely import Point
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.geography import areas
from domain.geography.geometry import as_element
from domain.geography.tables import SubstationArea
from domain.identity.tables import PlatformRole, UserRole
from domain.kernel.database import among
from domain.kernel.errors import InvalidValue
from domain.metering import codes
from domain.metering.tables import CodeKind, Direction, MeteringPoint
from domain.metering.words import CODE_CONTESTED


async def create_point(
    session: AsyncSession,
    *,
    code: str,
    code_kind: CodeKind,
    directions: Iterable[Direction],
    timezone: str,
    location: Point | None,
) -> UUID:
    """A new metering point with the substation area its location lies in. Raises InvalidValue."""
    metered = sorted({direction.value for direction in directions})
    if not metered:
        raise InvalidValue(("directions",), "A metering point measures at least one direction.")
    area_id = None if location is None else await areas.area_of_point(session, SubstationArea, location.x, location.y)
    point = MeteringPoint(
        code=codes.normalised(code_kind, code),
        code_kind=code_kind,
        directions=metered,
        timezone=timezone,
        location=None if location is None else as_element(location),
        substation_area_id=area_id,
    )
    session.add(point)
    await session.flush()
    await _tell_of_others(session, point)
    return point.id


async def _tell_of_others(session: AsyncSession, point: MeteringPoint) -> None:
    """Where the code is that of another point, those who administer the platform look at which of them is right."""
    others = select(MeteringPoint.id).where(MeteringPoint.code == point.code, MeteringPoint.id != point.id)
    if await session.scalar(others.limit(1)) is None:
        return
    facts = {"code": point.code, "metering_point_id": str(point.id)}
    admins = await session.scalars(select(UserRole.user_id).where(UserRole.role == PlatformRole.ADMIN))
    await notices.tell(session, [NewNotice(user_id, CODE_CONTESTED, facts) for user_id in admins])
    subject = ("MeteringPoint", point.id)
    await entries.record(session, "metering_point.contested", actor="platform", subject=subject, facts=facts)


async def by_code(session: AsyncSession, texts: Sequence[str], *visible: ColumnElement[bool]) -> dict[str, Any]:
    """Rows of id, code, timezone, directions by the code as it was given; what is unknown or invisible is absent.

    Of several points with one code the one that was registered first is taken.
    """
    forms = {text: codes.compared(text) for text in texts}
    query = select(MeteringPoint.id, MeteringPoint.code, MeteringPoint.timezone, MeteringPoint.directions)
    storable = sorted({form for form in forms.values() if form.isprintable()})
    latest_first = query.where(among(MeteringPoint.code, storable), *visible).order_by(MeteringPoint.id.desc())
    found = {row.code: row for row in await session.execute(latest_first)}
    return {text: found[form] for text, form in forms.items() if form in found}
