"""Allocation of shared energy among the members of a community: what goes in, and what is recorded.

`read_inputs` collects metered energy, participations and the key; a solver shares it; `record_run` stores the result as
a new version. The digest of the inputs makes it repeatable: the same inputs give the run that is there already (I4).
Trades made ahead will be taken off in `read_inputs` before sharing (the waterfall of `design.md` section 2).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.communities.tables import Community, Framework, Participation
from domain.database import new_id
from domain.errors import DomainError, InvalidValue, NotFound
from domain.intervals import Period, intervals_in_day, local_days, whole_local_days
from domain.metering import matrices
from domain.metering.tables import Direction, MeteringPoint
from domain.quantities import Energy
from domain.sharing import keys, operators
from domain.sharing.tables import AllocationDay, AllocationRun, MemberAllocation

DAYS_MAX = 400
WHOLE_PPM = 1_000_000


class NothingToAllocate(DomainError):
    """No metering point takes part in the community during the period."""

    def __init__(self) -> None:
        super().__init__("No metering point takes part in the community in this period.")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the community: a column for each metering point that takes part during the period.

    `factor_ppm` is the part of each point that is in the community in each interval: 0 before it joins.
    """

    metering_point_ids: tuple[UUID, ...]
    energy_ukwh: Energy  # shape (intervals, points)
    factor_ppm: Energy  # shape (intervals, points)

    def participating_ukwh(self) -> Energy:
        """Energy available to the community, floored to the micro-kWh, shape (intervals, points)."""
        millions, rest = np.divmod(self.energy_ukwh, WHOLE_PPM)  # A product with the whole could pass 64 bits.
        taking_part: Energy = millions * self.factor_ppm + rest * self.factor_ppm // WHOLE_PPM
        return taking_part


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that an allocation depends on."""

    community_id: UUID
    period: Period
    zone: ZoneInfo
    interval_minutes: int
    key: keys.Key
    consumption: Side
    production: Side
    holders: "Holders"
    digest: str = field(default="")


@dataclass(frozen=True, slots=True)
class Holders:
    """Which member holds each metering point on each local day of the period."""

    days: tuple[date, ...]
    member_of: dict[tuple[UUID, date], UUID]


@dataclass(frozen=True, slots=True)
class Result:
    """What a solver found; columns as in the inputs. Shared in and out add up to the same in each interval."""

    shared_in_ukwh: Energy  # shape (intervals, consumers)
    shared_out_ukwh: Energy  # shape (intervals, producers)


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
    """Metered energy, participations and key of a period.

    Raises NothingToAllocate, keys.NoKeyInForce, matrices.ReadingsMissing.
    """
    community = (await connection.execute(select(Community.timezone).where(Community.id == community_id))).one()
    zone = ZoneInfo(community.timezone)
    minutes = await _interval_minutes(connection, community_id)
    days = tuple(local_days(period, zone))
    taking_part = await _participations(connection, community_id, days)
    if not taking_part:
        raise NothingToAllocate
    key = await keys.key_at(connection, community_id, period)
    consumption, production = [
        await _side(connection, direction, taking_part, period, zone, minutes, days)
        for direction in (Direction.WITHDRAWN, Direction.INJECTED)
    ]
    member_of = {(p.metering_point_id, day): p.member_id for p in taking_part for day in days if _holds(p, day)}
    holders = Holders(days, member_of)
    stated = await operators.statement(connection, community_id, days[0], days[-1])
    digest = _digest(community_id, period, minutes, key, (consumption, production), holders, stated)
    return Inputs(community_id, period, zone, minutes, key, consumption, production, holders, digest)


async def record_run(session: AsyncSession, inputs: Inputs, result: Result, *, job_id: UUID | None, actor: str) -> UUID:
    """Store a result as the next version, or find the run that the same inputs gave before."""
    await session.execute(select(Community.id).where(Community.id == inputs.community_id).with_for_update())
    version, same = await _earlier_runs(session, inputs)
    if same is not None:
        return same
    run = AllocationRun(
        id=new_id(),
        community_id=inputs.community_id,
        period_start=inputs.period.start,
        period_end=inputs.period.end,
        version=version,
        key_id=inputs.key.id,
        interval_minutes=inputs.interval_minutes,
        input_digest=inputs.digest,
        injected_ukwh=int(inputs.production.participating_ukwh().sum()),
        withdrawn_ukwh=int(inputs.consumption.participating_ukwh().sum()),
        shared_ukwh=int(result.shared_in_ukwh.sum()),
        members_count=len(set(inputs.holders.member_of.values())),
        job_id=job_id,
    )
    session.add(run)
    await session.flush()
    days = list(_days(inputs, result, run.id))
    for start in range(0, len(days), 2_000):
        await session.execute(insert(AllocationDay), days[start : start + 2_000])
    await session.execute(insert(MemberAllocation), _totals(run, days))
    facts = {"version": version, "digest": inputs.digest, "shared_ukwh": run.shared_ukwh}
    await entries.record(
        session,
        "allocation.record",
        actor=actor,
        subject=("AllocationRun", run.id),
        scope_id=inputs.community_id,
        facts=facts,
    )
    return run.id


async def _interval_minutes(connection: AsyncConnection, community_id: UUID) -> int:
    query = (
        select(Framework.interval_minutes)
        .join(Community, Community.framework_code == Framework.code)
        .where(Community.id == community_id, Framework.valid_from <= func.current_date())
        .order_by(Framework.valid_from.desc())
        .limit(1)
    )
    return int((await connection.execute(query)).scalar_one())


@dataclass(frozen=True, slots=True)
class _Part:
    metering_point_id: UUID
    member_id: UUID
    factor_ppm: int
    valid_from: date
    valid_to: date | None
    directions: Sequence[str]


async def _participations(connection: AsyncConnection, community_id: UUID, days: Sequence[date]) -> list[_Part]:
    query = (
        select(
            Participation.metering_point_id,
            Participation.member_id,
            Participation.factor_ppm,
            Participation.valid_from,
            Participation.valid_to,
            MeteringPoint.directions,
        )
        .join(MeteringPoint, MeteringPoint.id == Participation.metering_point_id)
        .where(Participation.community_id == community_id, Participation.valid_from <= days[-1])
        .where(or_(Participation.valid_to.is_(None), Participation.valid_to > days[0]))
        .order_by(Participation.metering_point_id, Participation.valid_from)
    )
    return [_Part(*row) for row in await connection.execute(query)]


def _holds(part: _Part, day: date) -> bool:
    return part.valid_from <= day and (part.valid_to is None or day < part.valid_to)


async def _side(
    connection: AsyncConnection,
    direction: Direction,
    parts: Sequence[_Part],
    period: Period,
    zone: ZoneInfo,
    minutes: int,
    days: Sequence[date],
) -> Side:
    here = [part for part in parts if direction.value in part.directions]
    points = tuple(dict.fromkeys(part.metering_point_id for part in here))
    column = {point: number for number, point in enumerate(points)}
    columns = [matrices.PointDays(part.metering_point_id, part.valid_from, part.valid_to) for part in here]
    by_part = await matrices.read_matrix(connection, columns, direction, period, minutes)
    energy = np.zeros((by_part.shape[0], len(points)), dtype=np.int64)
    factor_by_day = np.zeros((len(days), len(points)), dtype=np.int64)
    for number, part in enumerate(here):  # A point that changed hands has a part for each holder, apart in time.
        at = column[part.metering_point_id]
        energy[:, at] += by_part[:, number]
        factor_by_day[np.array([_holds(part, day) for day in days]), at] = part.factor_ppm
    lengths = [intervals_in_day(day, zone, minutes) for day in days]
    return Side(points, energy, np.repeat(factor_by_day, lengths, axis=0))


def _digest(
    community_id: UUID,
    period: Period,
    minutes: int,
    key: keys.Key,
    sides: Sequence[Side],
    holders: Holders,
    stated: str,
) -> str:
    """SHA-256 over everything the result depends on, in an order that depends on nothing else."""
    said = {
        "community": community_id,
        "period": [period.start.isoformat(), period.end.isoformat()],
        "minutes": minutes,
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


async def _earlier_runs(session: AsyncSession, inputs: Inputs) -> tuple[int, UUID | None]:
    """The next version, and the newest run if its inputs were the same."""
    query = (
        select(AllocationRun.id, AllocationRun.version, AllocationRun.input_digest)
        .where(AllocationRun.community_id == inputs.community_id)
        .where(AllocationRun.period_start == inputs.period.start, AllocationRun.period_end == inputs.period.end)
        .order_by(AllocationRun.version.desc())
        .limit(1)
    )
    newest = (await session.execute(query)).one_or_none()
    if newest is None:
        return 1, None
    return newest.version + 1, newest.id if newest.input_digest == inputs.digest else None


def _days(inputs: Inputs, result: Result, run_id: UUID) -> list[dict[str, object]]:
    """A row for each point, direction and local day on which it takes part."""
    ends = np.cumsum([0, *(intervals_in_day(day, inputs.zone, inputs.interval_minutes) for day in inputs.holders.days)])
    rows: list[dict[str, object]] = []
    for direction, side, shared in (
        (Direction.WITHDRAWN, inputs.consumption, result.shared_in_ukwh),
        (Direction.INJECTED, inputs.production, result.shared_out_ukwh),
    ):
        metered = side.participating_ukwh()
        for column, point in enumerate(side.metering_point_ids):
            for day, (start, end) in zip(inputs.holders.days, pairwise(ends), strict=True):
                member = inputs.holders.member_of.get((point, day))
                if member is not None:
                    rows.append(
                        {
                            "run_id": run_id,
                            "metering_point_id": point,
                            "direction": direction,
                            "day": day,
                            "member_id": member,
                            "metered_ukwh": metered[start:end, column].tolist(),
                            "shared_ukwh": shared[start:end, column].tolist(),
                        }
                    )
    return rows


def _totals(run: AllocationRun, days: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """A row of totals for each member."""
    sums: dict[object, dict[str, int]] = {}
    names = {
        Direction.WITHDRAWN: ("withdrawn_ukwh", "shared_in_ukwh"),
        Direction.INJECTED: ("injected_ukwh", "shared_out_ukwh"),
    }
    for row in days:
        of_member = sums.setdefault(
            row["member_id"], dict.fromkeys(("withdrawn_ukwh", "shared_in_ukwh", "injected_ukwh", "shared_out_ukwh"), 0)
        )
        metered, shared = names[row["direction"]]  # type: ignore[index]
        of_member[metered] += sum(row["metered_ukwh"])  # type: ignore[call-overload]
        of_member[shared] += sum(row["shared_ukwh"])  # type: ignore[call-overload]
    head = {"run_id": run.id, "community_id": run.community_id}
    return [{"id": new_id(), **head, "member_id": member, **totals} for member, totals in sums.items()]


def interval_start(period_start: datetime, number: int, minutes: int) -> datetime:
    """The instant at which the n-th interval of a period starts."""
    return datetime.fromtimestamp(period_start.timestamp() + number * minutes * 60, period_start.tzinfo)
