"""Metering points and readings for tests."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

import domain.kernel.tables  # noqa: F401 (foreign keys lead from one context's tables to another's)
from domain.kernel.database import new_id
from domain.kernel.quantities import MicroKwh
from domain.metering import readings, tables
from domain.metering.days import ReadingDay, blocks_of
from domain.metering.tables import CodeKind, Direction, Quality

A_DAY = date(2026, 1, 15)
BOTH = (Direction.INJECTED, Direction.WITHDRAWN)


async def a_metering_point(session: AsyncSession, **overrides: Any) -> tables.MeteringPoint:
    """A stored metering point of both directions in Luxembourg."""
    facts = {
        "code": f"P-{new_id()}",
        "code_kind": CodeKind.GENERIC,
        "directions": [direction.value for direction in BOTH],
        "timezone": "Europe/Luxembourg",
    } | overrides
    point = tables.MeteringPoint(**facts)
    session.add(point)
    await session.flush()
    return point


def values(each: int | Sequence[int] = 250_000, intervals: int = 96) -> MicroKwh:
    """Micro-kWh of a day: one value throughout, or the values given."""
    return np.full(intervals, each, np.int64) if isinstance(each, int) else np.array(each, np.int64)


def a_reading_day(metering_point_id: UUID, **overrides: Any) -> ReadingDay:
    """A measured day of withdrawals, 0.25 kWh a quarter-hour."""
    facts: dict[str, Any] = {
        "direction": Direction.WITHDRAWN,
        "day": A_DAY,
        "quality": Quality.MEASURED,
        "values_ukwh": values(),
    }
    return ReadingDay(metering_point_id, **(facts | overrides))


async def recorded(session: AsyncSession, *days: ReadingDay, source: str = "test") -> readings.Recorded:
    """Days put into the store."""
    return await readings.record_days(session, blocks_of(days), source=source, sender="test")
