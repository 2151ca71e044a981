"""Dominance: where one person makes nearly all of a day, the day's sum tells of that person (the n-k rule, n = 1)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, Row, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.communities.parts import PointInCommunity
from domain.metering.tables import Direction

SHARE_MAX_PERCENT = 80

DOMINATED = text("""
    SELECT day, direction, sum(complete) AS complete
    FROM (SELECT reading.day, reading.direction, part.person_id,
                 sum(reading.total_ukwh::numeric * part.factor_ppm) AS energy,
                 count(*) FILTER (WHERE reading.is_complete) AS complete
          FROM unnest(:points, :persons, :factors, :firsts, :ends)
               AS part (point_id, person_id, factor_ppm, first_day, end_day)
          JOIN reading ON reading.metering_point_id = part.point_id AND reading.superseded_at IS NULL
               AND reading.day BETWEEN :first AND :last AND reading.day >= part.first_day AND reading.day < part.end_day
          GROUP BY 1, 2, 3) AS of_person
    GROUP BY day, direction
    HAVING max(energy) * 100 > sum(energy) * :percent
""").bindparams(
    bindparam("points", type_=ARRAY(Uuid())),
    bindparam("persons", type_=ARRAY(Uuid())),
    bindparam("factors", type_=ARRAY(BigInteger())),
    bindparam("firsts", type_=ARRAY(Date())),
    bindparam("ends", type_=ARRAY(Date())),
    bindparam("first", type_=Date()),
    bindparam("last", type_=Date()),
)


async def dominated(
    connection: AsyncConnection, parts: Sequence[PointInCommunity], first: date, last: date
) -> set[tuple[Direction, date]]:
    """Directions and local days from first to last of which one person has more than 80 %.

    A day that lacks a reading is not told at all: who is the first to be read does not dominate it.
    """
    given = {
        "points": [part.metering_point_id for part in parts],
        "persons": [part.person_id for part in parts],
        "factors": [part.factor_ppm for part in parts],
        "firsts": [part.valid_from for part in parts],
        "ends": [part.valid_to or date.max for part in parts],
        "first": first,
        "last": last,
        "percent": SHARE_MAX_PERCENT,
    }
    rows = (await connection.execute(DOMINATED, given)).all()
    return {(Direction(row.direction), row.day) for row in rows if row.complete == _expected(parts, row)}


def _expected(parts: Sequence[PointInCommunity], row: Row[Any]) -> int:
    """How many points measure a direction on a day."""
    return sum(row.direction in part.directions and part.holds_on(row.day) for part in parts)
