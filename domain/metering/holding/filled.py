"""Days whose missing values arrive: they are filled in place, since what was there stays as it was."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.quantities import MicroKwh
from domain.kernel.writing import Rows
from domain.metering.clocks import calendar_day
from domain.metering.days import MISSING, DayBlock
from domain.metering.holding.gate import BY_QUALITY
from domain.metering.tables import Direction, Quality, Reading
from domain.metering.wire import literal


class FilledDay(NamedTuple):
    """A day whose missing values have arrived, all its values as the text of an array."""

    metering_point_id: UUID
    day: date
    quality: Quality
    total_ukwh: int
    literal: str


FILLED = Rows("filled", FilledDay, Reading, beside={"literal": "text"})
FILL = text(f"""
    UPDATE reading
    SET values_ukwh = CAST(filled.literal AS bigint[]), total_ukwh = filled.total_ukwh, quality = filled.quality,
        received_at = now()
    FROM {FILLED.relation}
    WHERE reading.metering_point_id = filled.metering_point_id AND reading.day = filled.day
      AND direction = :direction AND superseded_at IS NULL
""")  # noqa: S608 - made of constants.


def filled_day(block: DayBlock, row: int, was: MicroKwh, quality: Quality) -> FilledDay:
    """A day with what was missing, of the worse quality of both."""
    worse = max(quality, block.quality, key=BY_QUALITY.index)
    at = block.metering_point_ids[block.point_index[row]], calendar_day(int(block.day_numbers[row]))
    values = np.where(was == MISSING, block.values_ukwh[row], was)
    return FilledDay(*at, worse, int(values[values != MISSING].sum()), literal(values.tolist()))


async def fill(session: AsyncSession, direction: Direction, filled: Sequence[FilledDay]) -> None:
    """Put values into days that were waiting for them."""
    await session.execute(FILL, FILLED.values(filled) | {"direction": direction.value})
