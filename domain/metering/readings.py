"""The store of readings: what arrives is kept, what was there is never changed (invariant I3).

A day that is new is written as it is. A day that is there: values not yet known are filled in, equal values change
nothing, and other values make a new version while the old one stays, superseded. A day that arrives whole with equal
values and a better quality is a new version too. What is implausible is held (`holding`). All of it goes by what is
there now, so that a file sent again after another correction counts again.

Decision, 2026-11-20: writers of a metering point wait for each other at its row, so that the store can look first and
write afterwards. New days, nearly all there are, then go straight into their partition as one binary COPY of the
arrays; a staging table with a merge would write everything twice.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.intervals import intervals_in_day
from domain.kernel.quantities import MicroKwh
from domain.metering.clocks import calendar_day, day_number
from domain.metering.days import MISSING, DayBlock, Indices
from domain.metering.holding.filled import FilledDay, fill, filled_day
from domain.metering.holding.gate import Gate
from domain.metering.tables import Direction, HoldReason, MeteringPoint, Quality, Reading, ReadingImport
from domain.metering.wire import COLUMNS, copy_stream, values_of

T = TypeVar("T")
FIRST_DAY = date(2000, 1, 1)


class DirectionNotMetered(DomainError):
    """The metering point does not measure this direction."""

    def __init__(self, code: str, direction: Direction) -> None:
        super().__init__(f"The metering point {code} does not measure energy {direction.value.lower()}.")
        self.code = code
        self.direction = direction


class ResolutionDiffers(DomainError):
    """Some intervals of a day arrived in another length than those already there."""

    def __init__(self, metering_point_id: UUID, day: date, minutes: int) -> None:
        super().__init__(f"The readings of {day} that are there already have intervals of another length.")
        self.metering_point_id = metering_point_id
        self.day = day
        self.minutes = minutes


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the days of an import."""

    import_id: UUID
    created: int = 0
    filled: int = 0
    corrected: int = 0
    unchanged: int = 0
    held: int = 0
    values: int = 0
    is_repeated: bool = False

    def plus(self, created: int = 0, filled: int = 0, corrected: int = 0, unchanged: int = 0) -> "Recorded":
        """With further days counted."""
        return replace(
            self,
            created=self.created + created,
            filled=self.filled + filled,
            corrected=self.corrected + corrected,
            unchanged=self.unchanged + unchanged,
        )


@dataclass(frozen=True, slots=True)
class _Current:
    """The days of a block that are in the store already."""

    row: Indices  # Which row of the block each one meets, shape (days,)
    version: Indices
    quality: list[Quality]
    values_ukwh: list[MicroKwh]  # MISSING where NULL


async def record_days(
    session: AsyncSession,
    blocks: Sequence[DayBlock],
    *,
    source: str,
    sender: str,
    scope_id: UUID | None = None,
    gate: Gate | None = None,
) -> Recorded:
    """Store days of readings, all or none, but those that the gate holds; what is there as it arrives changes nothing.

    `scope_id` names the community whose audit chain records it; without one it is the platform's.
    Raises NotFound, InvalidValue, DirectionNotMetered, ResolutionDiffers.
    """
    days = sum(map(len, blocks))
    if not days:
        raise InvalidValue(("readings",), "There are no readings.")
    gate = gate or Gate(sender)
    digesting = asyncio.create_task(asyncio.to_thread(_digest, blocks, source, sender))
    try:
        points = await _lock_points(session, blocks)
        for block in blocks:
            _check(block, points)
    finally:
        digest = await digesting
    values = sum(int((block.values_ukwh != MISSING).sum()) for block in blocks)
    await _make_partitions(session, blocks)
    recorded = Recorded(UUID(int=0), values=values)
    for block in blocks:
        async for month in _ahead(block.by_month()):
            recorded = await _merge(session, month, recorded, gate)
    is_news = await gate.write(session) > 0
    recorded = replace(recorded, held=len(gate.held))
    earlier = await session.scalar(select(ReadingImport.id).where(ReadingImport.digest == digest).limit(1))
    if earlier is not None and not is_news and recorded.unchanged + recorded.held == days:
        return replace(recorded, import_id=earlier, is_repeated=True)
    arrival = ReadingImport(digest=digest, source=source, sender=sender, days=days, values_count=values)
    arrival.corrected_days = recorded.corrected
    session.add(arrival)
    await session.flush()
    recorded = replace(recorded, import_id=arrival.id)
    await _record_entry(session, arrival, recorded, scope_id)
    return recorded


async def _record_entry(
    session: AsyncSession, arrival: ReadingImport, recorded: Recorded, scope_id: UUID | None
) -> None:
    names = ("created", "filled", "corrected", "unchanged", "held", "values")
    await entries.record(
        session,
        "readings.record",
        actor=arrival.sender,
        subject=("ReadingImport", arrival.id),
        scope_id=scope_id,
        facts={name: getattr(recorded, name) for name in names} | {"digest": arrival.digest},
    )


async def _lock_points(session: AsyncSession, blocks: Sequence[DayBlock]) -> dict[UUID, Any]:
    """The metering points, held until commit against other writers of their readings. Raises NotFound."""
    ids = sorted({id for block in blocks for id in block.metering_point_ids})
    query = (
        select(MeteringPoint.id, MeteringPoint.code, MeteringPoint.timezone, MeteringPoint.directions)
        .add_columns(func.now().label("now"))
        .where(MeteringPoint.id == func.any(bindparam("ids", ids, type_=ARRAY(Uuid()))))
        .order_by(MeteringPoint.id)
        .with_for_update(key_share=True)
    )
    points = {row.id: row for row in await session.execute(query)}
    for id in ids:
        if id not in points:
            raise NotFound("metering point", id)
    return points


def _check(block: DayBlock, points: dict[UUID, Any]) -> None:
    """Days have the length that their zone gives them, lie in a sensible range, and are measured."""
    for id in block.metering_point_ids:
        if block.direction.value not in points[id].directions:
            raise DirectionNotMetered(points[id].code, block.direction)
    first, last = calendar_day(int(block.day_numbers.min())), calendar_day(int(block.day_numbers.max()))
    now = points[block.metering_point_ids[0]].now
    if first < FIRST_DAY or last > (now + timedelta(days=1)).date():
        raise InvalidValue(("day",), f"Readings are of days from {FIRST_DAY} to today, not of {first} to {last}.")
    names, zone_of_point = np.unique([points[id].timezone for id in block.metering_point_ids], return_inverse=True)
    zone_of_day = zone_of_point[block.point_index]
    for index, name in enumerate(names.tolist()):
        zone = ZoneInfo(name)
        for number in np.unique(block.day_numbers[zone_of_day == index]).tolist():
            expected = intervals_in_day(calendar_day(number), zone, block.minutes)
            if expected != block.intervals:
                reason = f"{calendar_day(number)} has {expected} intervals in {name}, not {block.intervals}."
                raise InvalidValue(("values",), reason)


def _digest(blocks: Sequence[DayBlock], source: str, sender: str) -> str:
    digest = hashlib.sha256(f"{source}\n{sender}\n".encode())
    for block in blocks:
        digest.update(f"{block.direction} {block.quality} {block.values_ukwh.shape}".encode())
        digest.update(b"".join(id.bytes for id in block.metering_point_ids))
        for array in (block.point_index, block.day_numbers, block.values_ukwh):
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


async def _make_partitions(session: AsyncSession, blocks: Sequence[DayBlock]) -> None:
    months = sorted({month for block in blocks for month in np.unique(block.months).tolist()})
    for month in months:
        first_day = date(1970 + month // 12, month % 12 + 1, 1)
        await session.execute(select(func.make_reading_partition(first_day)))


async def _merge(session: AsyncSession, block: DayBlock, recorded: Recorded, gate: Gate) -> Recorded:
    """Write a block of one month beside what is there."""
    current = await _current(session, block)
    over = gate.exceeded(block)
    is_new = np.ones(len(block), bool)
    is_new[current.row] = False
    gate.hold(block, np.flatnonzero(is_new & over).tolist(), [HoldReason.ABOVE_CONNECTION_POWER])
    is_new &= ~over
    created = block if is_new.all() else block.rows(is_new)
    if len(created):
        await _copy(session, created, np.ones(len(created), np.int64))
    recorded = recorded.plus(created=len(created))
    return await _merge_known(session, block, current, recorded, gate) if len(current.row) else recorded


async def _merge_known(
    session: AsyncSession, block: DayBlock, current: _Current, recorded: Recorded, gate: Gate
) -> Recorded:
    filled: list[FilledDay] = []
    corrected: list[int] = []
    held_before = len(gate.held)
    merged = block.values_ukwh.copy()
    versions = np.zeros(len(block), np.int64)
    over = gate.exceeded(block)
    for index, row in enumerate(current.row.tolist()):
        was, becomes = current.values_ukwh[index], block.values_ukwh[row]
        is_correction = _is_correction(block, row, was, current.quality[index])
        if not is_correction and not ((was == MISSING) & (becomes != MISSING)).any():
            continue
        reasons = gate.displaced(block, was, current.quality[index]) if is_correction else []
        reasons += [HoldReason.ABOVE_CONNECTION_POWER] if over[row] else []
        if reasons:
            gate.hold(block, [row], reasons)
        elif is_correction:
            corrected.append(row)
            merged[row] = becomes if len(was) != len(becomes) else np.where(becomes != MISSING, becomes, was)
            versions[row] = current.version[index] + 1
        else:
            filled.append(filled_day(block, row, was, current.quality[index]))
    if corrected:
        rows = np.array(corrected)
        corrections = replace(block, values_ukwh=merged).rows(rows)
        await _supersede(session, corrections)
        await _copy(session, corrections, versions[rows])
    if filled:
        await fill(session, block.direction, filled)
    unchanged = len(current.row) - len(corrected) - len(filled) - (len(gate.held) - held_before)
    return recorded.plus(filled=len(filled), corrected=len(corrected), unchanged=unchanged)


def _is_correction(block: DayBlock, row: int, was: MicroKwh, quality: Quality) -> bool:
    """Whether an arriving day contradicts the one that is there. Raises ResolutionDiffers."""
    becomes = block.values_ukwh[row]
    if len(was) != len(becomes):
        if (becomes == MISSING).any():
            day = calendar_day(int(block.day_numbers[row]))
            raise ResolutionDiffers(block.metering_point_ids[block.point_index[row]], day, block.minutes)
        return True
    known, arrived = was != MISSING, becomes != MISSING
    is_whole = bool((arrived | ~known).all())
    return bool((known & arrived & (was != becomes)).any()) or (is_whole and quality is not block.quality)


async def _current(session: AsyncSession, block: DayBlock) -> _Current:
    """The current versions of a block's days; a NULL comes as MISSING, so that all values have one length."""
    sent = func.array_send(func.array_replace(Reading.values_ukwh, text("NULL::bigint"), text(str(MISSING))))
    query = select(
        Reading.metering_point_id,
        Reading.day,
        Reading.version,
        Reading.quality,
        func.cardinality(Reading.values_ukwh).label("intervals"),
        sent.label("sent"),
    ).where(
        Reading.metering_point_id == func.any(bindparam("ids", list(block.metering_point_ids), type_=ARRAY(Uuid()))),
        Reading.direction == block.direction,
        Reading.day.between(calendar_day(int(block.day_numbers.min())), calendar_day(int(block.day_numbers.max()))),
        Reading.superseded_at.is_(None),
    )
    rows = (await session.execute(query)).all()
    if not rows:
        return _Current(np.zeros(0, np.int64), np.zeros(0, np.int64), [], [])
    place = {key: row for row, key in enumerate(zip(block.ids(), block.day_numbers.tolist(), strict=True))}
    met = [(place[key], row) for row in rows if (key := (row.metering_point_id, day_number(row.day))) in place]
    return _Current(
        row=np.array([place for place, _ in met], np.int64),
        version=np.array([row.version for _, row in met], np.int64),
        quality=[row.quality for _, row in met],
        values_ukwh=[values_of([row.sent], row.intervals)[0] for _, row in met],
    )


async def _copy(session: AsyncSession, block: DayBlock, versions: Indices) -> None:
    """Write days by binary COPY in the session's transaction, which a statement before has begun."""
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    stream = _ahead(copy_stream(block, versions))
    await driver.copy_to_table(Reading.__tablename__, source=stream, columns=COLUMNS, format="binary")


async def _ahead(stream: Iterator[T]) -> AsyncIterator[T]:
    """The items of a stream, the next one made in a thread while one is on its way."""
    coming = asyncio.create_task(asyncio.to_thread(next, stream, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, stream, None))
            yield item
    finally:
        await coming


SUPERSEDE = text("""
    UPDATE reading SET superseded_at = now()
    FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS given (id, day)
    WHERE metering_point_id = given.id AND reading.day = given.day
      AND direction = :direction AND superseded_at IS NULL
""")


async def _supersede(session: AsyncSession, block: DayBlock) -> None:
    days = [calendar_day(number) for number in block.day_numbers.tolist()]
    await session.execute(SUPERSEDE, {"ids": block.ids(), "days": days, "direction": block.direction.value})
