"""What an allocation depends on: metered energy, what of it was traded, participations, the key; and their digest.

Trades made ahead come first (the waterfall: `domain.market.delivery.traded` tells them by point), the rest is shared.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities import frameworks
from domain.communities.parts import PointInCommunity, taking_part
from domain.communities.tables import Community, Framework
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.intervals import Period, intervals_in_day, local_days, whole_local_days
from domain.kernel.quantities import MicroKwh, part_of
from domain.metering import matrices
from domain.metering.matrices import ByPoint
from domain.metering.tables import Direction
from domain.sharing import keys, operators

DAYS_MAX = 400


class NothingToAllocate(DomainError):
    """No metering point takes part in the community during the period."""

    def __init__(self) -> None:
        super().__init__("No metering point takes part in the community in this period.")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the community: a column for each metering point that takes part during the period.

    `factor_ppm` is the part of each point that is in the community in each interval: 0 before it joins. `traded_ukwh`
    is what of the metered energy trades took, never more.
    """

    metering_point_ids: tuple[UUID, ...]
    energy_ukwh: MicroKwh  # shape (intervals, points)
    factor_ppm: MicroKwh  # shape (intervals, points)
    traded_ukwh: MicroKwh  # shape (intervals, points)

    @property
    def left_ukwh(self) -> MicroKwh:
        """Energy that trades left to be shared, shape (intervals, points)."""
        return self.energy_ukwh - self.traded_ukwh

    def participating_ukwh(self) -> MicroKwh:
        """Energy that is in the community, traded or not, floored to the micro-kWh, shape (intervals, points)."""
        return part_of(self.energy_ukwh, self.factor_ppm)

    def participating_traded_ukwh(self) -> MicroKwh:
        """What trades took of it, so that the rest is what is left, floored; shape (intervals, points)."""
        if not self.traded_ukwh.any():
            return self.traded_ukwh
        return self.participating_ukwh() - part_of(self.left_ukwh, self.factor_ppm)


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that an allocation depends on."""

    community_id: UUID
    period: Period
    zone: ZoneInfo
    interval_minutes: int
    all_covered_when_enough: bool  # A rule of the framework: with a surplus every consumer is covered (LU).
    key: keys.Key
    consumption: Side
    production: Side
    holders: "Holders"
    digest: str

    @property
    def point_ids(self) -> set[UUID]:
        """The metering points that take part."""
        return {*self.consumption.metering_point_ids, *self.production.metering_point_ids}


@dataclass(frozen=True, slots=True)
class Holders:
    """Which member holds each metering point on each local day of the period."""

    days: tuple[date, ...]
    member_of: dict[tuple[UUID, date], UUID]


async def check_period(connection: AsyncConnection, community_id: UUID, period: Period) -> None:
    """Whether a period may be allocated: whole local days, in the past. Raises NotFound, InvalidValue."""
    row = (await connection.execute(select(Community.timezone).where(Community.id == community_id))).one_or_none()
    if row is None:
        raise NotFound("community", community_id)
    if not whole_local_days(period, ZoneInfo(row.timezone)):
        raise InvalidValue(("period",), f"A sharing period starts and ends at midnight in {row.timezone}.")
    if len(list(local_days(period, ZoneInfo(row.timezone)))) > DAYS_MAX:
        raise InvalidValue(("period",), f"A sharing period has at most {DAYS_MAX} days.")
    if period.end > (await connection.execute(select(func.now()))).scalar_one():
        raise InvalidValue(("period", "end"), "The period has not ended yet.")


async def read_inputs(connection: AsyncConnection, community_id: UUID, period: Period) -> Inputs:
    """Metered energy, participations and key of a period, as if nothing was traded.

    Raises InvalidValue where no rules are in force, NothingToAllocate, keys.NoKeyInForce, matrices.ReadingsMissing.
    """
    community = select(Community.timezone, Community.framework_code).where(Community.id == community_id)
    timezone, code = (await connection.execute(community)).one()
    zone = ZoneInfo(timezone)
    days = tuple(local_days(period, zone))
    rules = select(Framework.interval_minutes, Framework.parameters).where(
        Framework.code == code, frameworks.in_force(days[0])
    )
    found = (await connection.execute(rules)).one_or_none()
    if found is None:
        raise InvalidValue(("period", "start"), f"The framework {code.value} has no rules in force on {days[0]}.")
    minutes, all_covered = found.interval_minutes, bool(found.parameters.get("all_covered_when_enough"))
    parts = await taking_part(connection, community_id, days[0], days[-1])
    if not parts:
        raise NothingToAllocate
    key = await keys.key_at(connection, community_id, period)
    consumption, production = [
        await _side(connection, direction, parts, period, zone, minutes, days)
        for direction in (Direction.WITHDRAWN, Direction.INJECTED)
    ]
    member_of = {(p.metering_point_id, day): p.member_id for p in parts for day in days if p.holds_on(day)}
    holders = Holders(days, member_of)
    stated = await operators.days_stated(connection, community_id, days[0], days[-1])
    digest = _digest(community_id, period, (minutes, all_covered), key, (consumption, production), holders, stated)
    return Inputs(community_id, period, zone, minutes, all_covered, key, consumption, production, holders, digest)


async def _side(
    connection: AsyncConnection,
    direction: Direction,
    parts: Sequence[PointInCommunity],
    period: Period,
    zone: ZoneInfo,
    minutes: int,
    days: Sequence[date],
) -> Side:
    here = [part for part in parts if direction in part.directions]
    points = tuple(dict.fromkeys(part.metering_point_id for part in here))
    column = {point: number for number, point in enumerate(points)}
    columns = [matrices.PointDays(part.metering_point_id, part.valid_from, part.valid_to) for part in here]
    by_part = await matrices.read_matrix(connection, columns, direction, period, minutes)
    energy = np.zeros((by_part.shape[0], len(points)), dtype=np.int64)
    factor_by_day = np.zeros((len(days), len(points)), dtype=np.int64)
    for number, part in enumerate(here):  # A point that changed hands has a part for each holder, apart in time.
        at = column[part.metering_point_id]
        energy[:, at] += by_part[:, number]
        factor_by_day[np.array([part.holds_on(day) for day in days]), at] = part.factor_ppm
    lengths = [intervals_in_day(day, zone, minutes) for day in days]
    return Side(points, energy, np.repeat(factor_by_day, lengths, axis=0), np.zeros_like(energy))


def less_traded(inputs: Inputs, traded: ByPoint) -> Inputs:
    """The same, with what trades took of each point."""
    taken = {
        direction: _taken(side, direction, inputs, traded)
        for direction, side in ((Direction.WITHDRAWN, inputs.consumption), (Direction.INJECTED, inputs.production))
    }
    if not any(each.any() for each in taken.values()):
        return inputs  # Under its own digest, as before trades were taken off.
    digest = hashlib.sha256(inputs.digest.encode())
    for each in taken.values():
        digest.update(each.tobytes())
    return replace(
        inputs,
        consumption=replace(inputs.consumption, traded_ukwh=taken[Direction.WITHDRAWN]),
        production=replace(inputs.production, traded_ukwh=taken[Direction.INJECTED]),
        digest=digest.hexdigest(),
    )


def _taken(side: Side, direction: Direction, inputs: Inputs, traded: ByPoint) -> MicroKwh:
    taken = np.zeros_like(side.energy_ukwh)
    step = timedelta(minutes=inputs.interval_minutes)
    for column, point in enumerate(side.metering_point_ids):
        for quarter, ukwh in traded.get((point, direction), {}).items():
            taken[(quarter - inputs.period.start) // step, column] += ukwh
    return taken


def _digest(
    community_id: UUID,
    period: Period,
    rules: tuple[int, bool],
    key: keys.Key,
    sides: Sequence[Side],
    holders: Holders,
    stated: int,
) -> str:
    """SHA-256 over everything the result depends on, in an order that depends on nothing else."""
    said = {
        "community": community_id,
        "period": [period.start.isoformat(), period.end.isoformat()],
        "rules": rules,
        "key": [key.id, key.kind, key.production_kind],
        "shares": [[s.metering_point_id, s.direction, s.share_ppm, s.rank] for s in key.shares],
        "operator": stated,
        "points": [side.metering_point_ids for side in sides],
        "holders": sorted(f"{point} {day} {member}" for (point, day), member in holders.member_of.items()),
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode())
    for side in sides:
        digest.update(np.ascontiguousarray(side.energy_ukwh).tobytes())
        digest.update(np.ascontiguousarray(side.factor_ppm).tobytes())
    return digest.hexdigest()
