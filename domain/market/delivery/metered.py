"""What users injected and withdrew in the quarters of an hour: the readings of their metering points.

A user's points on a local day are those that participate for one of its members then. A point that members of several
users bring into communities on one day counts once, for whoever brought it first, so that no energy is sold twice.
Readings of half or whole hours are split evenly over their quarters, what does not divide to the earlier ones (largest
remainder), so the parts add up to what was metered.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from domain.kernel.quantities import MicroKwh
from domain.kernel.sql import Statement, Transaction
from domain.metering.tables import Direction

QUARTERS = 4
DAY = timedelta(days=1)
Mask = npt.NDArray[np.bool_]


class Basis(NamedTuple):
    """How a day's readings stood when they were read; version 0 where there were none."""

    metering_point_id: UUID
    direction: Direction
    day: date
    version: int
    known_count: int


class PointRow(NamedTuple):
    """A point that a user holds on a local day, and its energy in quarters of the hours asked for, micro-kWh."""

    user_id: UUID
    metering_point_id: UUID
    direction: str
    day: date
    version: int
    known_count: int
    quarters: list[int]
    ukwh: list[int | None]


@dataclass(frozen=True, slots=True)
class Metered:
    """Energy by user and quarter, micro-kWh, flat, shape (users x 4,); zero and not known where a reading is missing.

    A user without a point in a direction has zero, and that is known.
    """

    row_of: dict[UUID, int]
    energy_ukwh: dict[Direction, MicroKwh]
    is_known: dict[Direction, Mask]
    basis: tuple[Basis, ...]


async def read(transaction: Transaction, user_ids: Collection[UUID], hour: datetime) -> Metered:
    """What users injected and withdrew in the hour that starts so."""
    users = sorted(user_ids)
    row_of = {user_id: row for row, user_id in enumerate(users)}
    energy = {direction: np.zeros(len(users) * QUARTERS, np.int64) for direction in Direction}
    is_known = {direction: np.ones(len(users) * QUARTERS, np.bool_) for direction in Direction}
    rows = await points(transaction, users, [hour])
    for row in rows:
        direction, first = Direction(row.direction), row_of[row.user_id] * QUARTERS
        for quarter, ukwh in zip(row.quarters, row.ukwh, strict=True):
            if ukwh is None:
                is_known[direction][first + quarter] = False
            else:
                energy[direction][first + quarter] += ukwh
    return Metered(row_of, energy, is_known, tuple(_bases(rows)))


async def points(transaction: Transaction, user_ids: Collection[UUID], hours: Sequence[datetime]) -> Sequence[PointRow]:
    """A row for each point that users hold in some hours, direction and local day, with the energy of its quarters.

    `quarters` count through the hours in the order in which they are given; `ukwh` is None where nothing was read.
    """
    around = {"first_day": (min(hours) - DAY).date(), "last_day": (max(hours) + DAY).date()}
    return await READ.rows(transaction, {"users": sorted(user_ids), "hours": list(hours)} | around)


def _bases(rows: Sequence[PointRow]) -> list[Basis]:
    return [
        Basis(row.metering_point_id, Direction(row.direction), row.day, row.version, row.known_count) for row in rows
    ]


# The outermost days are named so that whole months are left out when planning.
READ = Statement("""
    WITH quarter AS (
        SELECT ((hour.place - 1) * 4 + n)::int AS n, hour.starts_at + n * interval '15 minutes' AS starts_at
        FROM unnest(CAST(:hours AS timestamptz[])) WITH ORDINALITY AS hour (starts_at, place)
        CROSS JOIN generate_series(0, 3) AS n),
    point_quarter AS (
        SELECT point.id, point.directions, point.timezone, quarter.n, quarter.starts_at,
               (quarter.starts_at AT TIME ZONE point.timezone)::date AS day
        FROM metering_point AS point CROSS JOIN quarter
        WHERE point.id IN (
            SELECT participation.metering_point_id FROM member
            JOIN participation ON participation.member_id = member.id
            WHERE member.user_id = ANY(CAST(:users AS uuid[])))),
    held AS (
        SELECT point_quarter.*, holder.user_id
        FROM point_quarter CROSS JOIN LATERAL (
            SELECT member.user_id FROM participation JOIN member ON member.id = participation.member_id
            WHERE participation.metering_point_id = point_quarter.id AND member.user_id IS NOT NULL
              AND participation.valid_from <= point_quarter.day
              AND (participation.valid_to IS NULL OR participation.valid_to > point_quarter.day)
            ORDER BY participation.valid_from, participation.id LIMIT 1) AS holder
        WHERE holder.user_id = ANY(CAST(:users AS uuid[]))),
    placed AS (
        SELECT held.user_id, held.id, held.day, held.n, way.direction, reading.version, reading.values_ukwh,
               reading.is_complete, reading.resolution_minutes / 15 AS parts,
               extract(epoch FROM held.starts_at - held.day::timestamp AT TIME ZONE held.timezone)::int / 900 AS place
        FROM held CROSS JOIN unnest(held.directions) AS way (direction)
        LEFT JOIN reading ON reading.metering_point_id = held.id AND reading.direction = way.direction
             AND reading.day = held.day AND reading.superseded_at IS NULL
             AND reading.day BETWEEN CAST(:first_day AS date) AND CAST(:last_day AS date)),
    valued AS (
        SELECT placed.*, values_ukwh[place / parts + 1] AS value FROM placed)
    SELECT user_id, id AS metering_point_id, direction, day, coalesce(max(version), 0)::int AS version,
           coalesce(max(CASE WHEN is_complete THEN cardinality(values_ukwh)
                             ELSE cardinality(array_remove(values_ukwh, NULL)) END), 0)::int AS known_count,
           array_agg(n ORDER BY n) AS quarters,
           array_agg(value / parts + CASE WHEN place % parts < value % parts THEN 1 ELSE 0 END ORDER BY n) AS ukwh
    FROM valued GROUP BY user_id, id, direction, day
""").into(PointRow)
