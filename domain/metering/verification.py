"""Check readings: totals agree with values, days have the right length, versions follow each other."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

GUARDS = "I1 energy, readings"

WRONG_TOTAL = """
SELECT metering_point_id, direction, day, version, 'the day total differs from its values' AS reason
FROM reading
WHERE total_ukwh <> (SELECT coalesce(sum(value), 0) FROM unnest(values_ukwh) AS value)
"""

WITHOUT_POINT = """
SELECT metering_point_id, direction, day, version, 'there is no such metering point' AS reason
FROM reading r WHERE NOT EXISTS (SELECT FROM metering_point p WHERE p.id = r.metering_point_id)
"""

WRONG_LENGTH = """
SELECT r.metering_point_id, r.direction, r.day, r.version, 'the day has another number of intervals' AS reason
FROM reading r JOIN metering_point p ON p.id = r.metering_point_id
WHERE cardinality(r.values_ukwh) * r.resolution_minutes * interval '1 minute'
   <> ((r.day + 1)::timestamp AT TIME ZONE p.timezone) - (r.day::timestamp AT TIME ZONE p.timezone)
"""

WRONG_VERSIONS = """
SELECT metering_point_id, direction, day, max(version) AS version, 'versions or the current row are missing' AS reason
FROM reading
GROUP BY metering_point_id, direction, day
HAVING count(*) <> max(version) OR count(*) FILTER (WHERE superseded_at IS NULL) <> 1
"""


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Readings that do not add up or whose history is broken (invariants I1, I3)."""
    for query in (WRONG_TOTAL, WITHOUT_POINT, WRONG_LENGTH, WRONG_VERSIONS):
        async for row in await session.stream(text(query)):
            yield f"reading {row.metering_point_id} {row.direction} {row.day} version {row.version}: {row.reason}"
