"""Metering points: fifty that take part in communities, each with another member, and fifty of the first member.

Readings are held of the first point.
"""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from domain.metering.tables import CodeKind, Direction, HeldReadings, MeteringPoint, Quality
from tests.api.crowd import MANY, Crowd, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """A hundred."""
    facts = {"code_kind": CodeKind.GENERIC, "directions": ["WITHDRAWN"], "timezone": "Europe/Luxembourg"}
    first, *_ = await stored(session, [MeteringPoint(code=f"P-{number}", **facts) for number in range(2 * MANY)])
    day = {"direction": Direction.WITHDRAWN, "day": date(2026, 1, 15), "resolution_minutes": 60, "sender": "crowd"}
    held = {"quality": Quality.ESTIMATED, "values_ukwh": [1] * 24, "highest_ukwh": 1, "reasons": ["WORSE_QUALITY"]}
    await stored(session, [HeldReadings(metering_point_id=first.id, **day, **held) for _ in range(MANY)])
