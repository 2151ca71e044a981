"""What is let into the store, and what is held and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import MicroKwh
from domain.kernel.writing import Rows
from domain.metering.clocks import calendar_day
from domain.metering.days import MISSING, DayBlock
from domain.metering.tables import Direction, HeldReadings, HoldReason, Quality
from domain.metering.wire import literal

BY_QUALITY = tuple(Quality)  # Best first.
# Up to here a connection is at low voltage (Italy: CEI 0-21, ARERA TICA); who carries more states it.
CONNECTION_POWER_W_DEFAULT = 100_000
TOLERANCE = 11, 10  # Meters and operators let a connection carry a tenth more than its power.
HELD_DAYS_MAX = 10_000


class HeldRow(NamedTuple):
    """A held day on its way to the table, its values and reasons as the text of arrays."""

    id: UUID
    metering_point_id: UUID
    direction: Direction
    day: date
    resolution_minutes: int
    quality: Quality
    highest_ukwh: int
    sender: str
    literal: str
    reasons: str


HELD = Rows("held", HeldRow, HeldReadings, beside={"literal": "text", "reasons": "text"})
HOLD = text(f"""
    INSERT INTO held_readings ({HELD.columns}, values_ukwh, reasons)
    SELECT {HELD.selected}, CAST(held.literal AS bigint[]), CAST(held.reasons AS text[]) FROM {HELD.relation}
""")  # noqa: S608 - made of constants.


@dataclass(slots=True)
class Gate:
    """Holds days back; `power_w` is that of the points that are bounded.

    An open gate lets everything in, as for days that are released.
    """

    sender: str
    power_w: Mapping[UUID, int] = field(default_factory=dict)
    is_open: bool = False
    held: list[HeldRow] = field(default_factory=list)

    def exceeded(self, block: DayBlock) -> npt.NDArray[np.bool_]:
        """Which days hold a value that is more than their point can carry."""
        bounds = [self._most_ukwh(id, block.minutes) for id in block.metering_point_ids]
        over: npt.NDArray[np.bool_] = block.values_ukwh.max(axis=1) > np.array(bounds, np.int64)[block.point_index]
        return over

    def _most_ukwh(self, id: UUID, minutes: int) -> int:
        power_w = None if self.is_open else self.power_w.get(id)
        if power_w is None:
            return int(np.iinfo(np.int64).max)
        return power_w * minutes * 1_000 * TOLERANCE[0] // (60 * TOLERANCE[1])

    def displaced(self, block: DayBlock, was: MicroKwh, quality: Quality) -> list[HoldReason]:
        """Why a day may not take the place of the one that is there."""
        reasons = {
            HoldReason.WORSE_QUALITY: BY_QUALITY.index(block.quality) > BY_QUALITY.index(quality),
            HoldReason.COARSER_RESOLUTION: block.intervals < len(was),
        }
        return [] if self.is_open else [reason for reason, holds in reasons.items() if holds]

    def hold(self, block: DayBlock, rows: Iterable[int], reasons: Sequence[HoldReason]) -> None:
        """Keep days aside. Raises InvalidValue where there are so many that the whole file is wrong."""
        for row in rows:
            values = block.values_ukwh[row]
            held = HeldRow(
                id=new_id(),
                metering_point_id=block.metering_point_ids[block.point_index[row]],
                direction=block.direction,
                day=calendar_day(int(block.day_numbers[row])),
                resolution_minutes=block.minutes,
                quality=block.quality,
                highest_ukwh=int(values.max()),
                sender=self.sender,
                literal=literal(values.tolist()),
                reasons="{" + ",".join(reasons) + "}",
            )
            self.held.append(held)
            if len(self.held) > HELD_DAYS_MAX:
                reason = f"More than {HELD_DAYS_MAX} days are implausible: look at unit and layout."
                raise InvalidValue(("readings",), reason)

    async def write(self, session: AsyncSession) -> int:
        """Store what was held, but what waits already as it is; how many days are new."""
        if not self.held:
            return 0
        waiting = await self._waiting(session)
        fresh = [row for row in self.held if (row[1:6], row.literal) not in waiting]
        if fresh:
            await session.execute(HOLD, HELD.values(fresh))
        return len(fresh)

    async def _waiting(self, session: AsyncSession) -> set[tuple[object, str]]:
        ids = sorted({row.metering_point_id for row in self.held})
        days = [row.day for row in self.held]
        query = select(
            HeldReadings.metering_point_id,
            HeldReadings.direction,
            HeldReadings.day,
            HeldReadings.resolution_minutes,
            HeldReadings.quality,
            HeldReadings.values_ukwh,
        ).where(
            HeldReadings.metering_point_id == func.any(bindparam("ids", ids, type_=ARRAY(Uuid()))),
            HeldReadings.day.between(min(days), max(days)),
            HeldReadings.decision.is_(None),
        )
        found = await session.execute(query)
        return {(tuple(row[:5]), literal([MISSING if value is None else value for value in row[5]])) for row in found}
