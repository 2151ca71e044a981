"""Sharing groups with readings, for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community, Membership
from domain.kernel.intervals import Period, day_start
from domain.metering.tables import Direction
from domain.sharing import keys
from domain.sharing.tables import KeyKind
from tests.factories.communities import a_community, a_membership, a_participation
from tests.factories.metering import A_DAY, a_metering_point, a_reading_day, recorded, values

ZONE = ZoneInfo("Europe/Luxembourg")


@dataclass
class Group:
    """A community whose members have a metering point each."""

    community: Community
    memberships: list[Membership]
    points: list[UUID]

    def day(self, day: date = A_DAY, days: int = 1) -> Period:
        """Whole local days."""
        return Period(day_start(day, ZONE), day_start(day + timedelta(days=days), ZONE))


async def a_group(
    session: AsyncSession,
    energies: Sequence[Mapping[Direction, int | Sequence[int]]],
    day: date = A_DAY,
    **overrides: Any,
) -> Group:
    """A community with a member for each entry, which says what its point counts in each quarter-hour of the day."""
    community = await a_community(session, **overrides)
    group = Group(community, [], [])
    for energy in energies:
        membership = await a_membership(session, community)
        point = await a_metering_point(session, directions=[direction.value for direction in energy])
        await a_participation(session, membership, point)
        days = [a_reading_day(point.id, direction=d, day=day, values_ukwh=values(e)) for d, e in energy.items()]
        await recorded(session, *days)
        group.memberships.append(membership)
        group.points.append(point.id)
    return group


async def a_key(
    session: AsyncSession,
    group: Group,
    kind: KeyKind = KeyKind.PRO_RATA,
    *,
    production_kind: KeyKind = KeyKind.PRO_RATA,
    shares: Sequence[keys.Share] = (),
    valid_from: datetime | None = None,
) -> UUID:
    """A key of a group since it was founded."""
    start = valid_from or day_start(date(2025, 1, 1), ZONE)
    return await keys.set_key(session, group.community.id, kind, production_kind, start, shares, actor="test")


def quarters(seed: int, intervals: int = 96) -> list[int]:
    """Odd micro-kWh for each quarter-hour, so that divisions leave remainders."""
    drawn: list[int] = np.random.default_rng(seed).integers(0, 700_001, intervals).tolist()
    return drawn
