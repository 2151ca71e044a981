"""Metering points: fifty that take part in communities, each with another member, and fifty of the first member."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.metering.tables import CodeKind, MeteringPoint
from tests.api.crowd import MANY, Crowd, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """A hundred."""
    facts = {"code_kind": CodeKind.GENERIC, "directions": ["WITHDRAWN"], "timezone": "Europe/Luxembourg"}
    await stored(session, [MeteringPoint(code=f"P-{number}", **facts) for number in range(2 * MANY)])
