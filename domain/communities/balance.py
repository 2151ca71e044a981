"""What a community injects and withdraws together, each metering point by its participation factor.

An aggregate of few tells of one: who does not administer the community gets a balance only where on every day on which
anybody takes part at least five members do (invariant I5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.parts import MEMBERS_MIN, PointInCommunity, fewest_members, taking_part
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period, Resolution
from domain.metering.series import Kwh, PointShare, grid, read_series
from domain.metering.tables import Direction


class TooFewMembers(DomainError):
    """The aggregate would tell too much of single members."""

    def __init__(self, minimum: int) -> None:
        super().__init__(f"On some day of the period fewer than {minimum} members take part with a metering point.")
        self.minimum = minimum


@dataclass(frozen=True, slots=True)
class Balance:
    """kWh per interval; `missing` are indices of intervals in which a reading is missing."""

    injected_kwh: Kwh
    withdrawn_kwh: Kwh
    missing: Sequence[int]

    @property
    def surplus_kwh(self) -> Kwh:
        """max(0, injected - withdrawn) of each interval of the resolution."""
        return np.maximum(0.0, self.injected_kwh - self.withdrawn_kwh)

    @property
    def deficit_kwh(self) -> Kwh:
        """max(0, withdrawn - injected) of each interval of the resolution."""
        return np.maximum(0.0, self.withdrawn_kwh - self.injected_kwh)


async def read_balance(
    connection: AsyncConnection,
    community_id: UUID,
    timezone: str,
    period: Period,
    resolution: Resolution,
    *,
    by: Viewer,
) -> Balance:
    """The balance of a community that the viewer may see. Raises InvalidValue, TooFewMembers, ResolutionTooCoarse."""
    intervals = grid(period, resolution, ZoneInfo(timezone))
    parts = await taking_part(connection, community_id, intervals.days[0], intervals.days[-1])
    if not by.may_administer(community_id) and 0 < fewest_members(parts, intervals.days) < MEMBERS_MIN:
        raise TooFewMembers(MEMBERS_MIN)
    series = await read_series(connection, [_share(part) for part in parts], intervals)
    missing = np.union1d(*series.missing.values()).tolist()
    return Balance(series.kwh[Direction.INJECTED], series.kwh[Direction.WITHDRAWN], missing)


def _share(part: PointInCommunity) -> PointShare:
    return PointShare(part.metering_point_id, part.directions, part.factor_ppm, part.valid_from, part.valid_to)
