"""Check allocations: per interval and point what is shared was metered, and shared in equals shared out."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

GUARDS = "I1 energy, I4 repeatability, sharing"

# One row per run and interval in which the two sides differ.
UNBALANCED = """
SELECT d.run_id, d.day, v.n, (sum(v.shared) FILTER (WHERE d.direction = 'WITHDRAWN'))::bigint AS shared_in,
       (sum(v.shared) FILTER (WHERE d.direction = 'INJECTED'))::bigint AS shared_out
FROM allocation_day d, unnest(d.shared_ukwh) WITH ORDINALITY AS v (shared, n)
GROUP BY d.run_id, d.day, v.n
HAVING coalesce(sum(v.shared) FILTER (WHERE d.direction = 'WITHDRAWN'), 0)
    <> coalesce(sum(v.shared) FILTER (WHERE d.direction = 'INJECTED'), 0)
"""

BEYOND_METERED = """
SELECT d.run_id, d.metering_point_id, d.direction, d.day
FROM allocation_day d
WHERE cardinality(d.shared_ukwh) <> cardinality(d.metered_ukwh)
   OR cardinality(d.traded_ukwh) <> cardinality(d.metered_ukwh)
   OR EXISTS (SELECT FROM unnest(d.shared_ukwh, d.metered_ukwh, d.traded_ukwh) AS v (shared, metered, traded)
              WHERE shared < 0 OR traded < 0 OR shared + coalesce(traded, 0) > metered)
"""

WRONG_TOTALS = """
WITH point AS (
  SELECT d.run_id, d.member_id, d.direction, sum(v.shared) AS shared, sum(v.metered) AS metered,
         sum(coalesce(v.traded, 0)) AS traded
  FROM allocation_day d, unnest(d.shared_ukwh, d.metered_ukwh, d.traded_ukwh) AS v (shared, metered, traded)
  GROUP BY d.run_id, d.member_id, d.direction
), member AS (
  SELECT run_id, member_id,
         coalesce(sum(shared) FILTER (WHERE direction = 'WITHDRAWN'), 0) AS shared_in,
         coalesce(sum(shared) FILTER (WHERE direction = 'INJECTED'), 0) AS shared_out,
         coalesce(sum(traded) FILTER (WHERE direction = 'WITHDRAWN'), 0) AS traded_in,
         coalesce(sum(traded) FILTER (WHERE direction = 'INJECTED'), 0) AS traded_out,
         coalesce(sum(metered) FILTER (WHERE direction = 'WITHDRAWN'), 0) AS withdrawn,
         coalesce(sum(metered) FILTER (WHERE direction = 'INJECTED'), 0) AS injected
  FROM point GROUP BY run_id, member_id
)
SELECT run_id, member_id FROM member FULL JOIN member_allocation a USING (run_id, member_id)
WHERE (member.shared_in, member.shared_out, member.traded_in, member.traded_out, member.withdrawn, member.injected)
      IS DISTINCT FROM (a.shared_in_ukwh, a.shared_out_ukwh, a.traded_in_ukwh, a.traded_out_ukwh, a.withdrawn_ukwh,
                        a.injected_ukwh)
"""

WRONG_RUNS = """
SELECT r.id AS run_id FROM allocation_run r JOIN member_allocation a ON a.run_id = r.id GROUP BY r.id
HAVING r.shared_ukwh <> sum(a.shared_in_ukwh) OR r.shared_ukwh <> sum(a.shared_out_ukwh)
    OR r.injected_ukwh <> sum(a.injected_ukwh) OR r.withdrawn_ukwh <> sum(a.withdrawn_ukwh)
    OR r.traded_out_ukwh <> sum(a.traded_out_ukwh) OR r.traded_in_ukwh <> sum(a.traded_in_ukwh)
"""

# The same inputs under the same key must have given the same result.
UNREPEATABLE = """
SELECT min(id::text) AS run_id, max(id::text) AS other_id FROM allocation_run
GROUP BY community_id, period_start, period_end, input_digest
HAVING count(DISTINCT (injected_ukwh, withdrawn_ukwh, shared_ukwh)) > 1
"""


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Allocations that create, lose or exceed energy (I1) or differ for equal inputs (I4)."""
    async for row in await session.stream(text(UNBALANCED)):
        yield f"run {row.run_id} {row.day} interval {row.n}: {row.shared_in} in, {row.shared_out} out"
    async for row in await session.stream(text(BEYOND_METERED)):
        yield f"run {row.run_id} point {row.metering_point_id} {row.direction} {row.day}: more given out than metered"
    async for row in await session.stream(text(WRONG_TOTALS)):
        yield f"run {row.run_id} member {row.member_id}: totals differ from the intervals"
    async for row in await session.stream(text(WRONG_RUNS)):
        yield f"run {row.run_id}: totals differ from its members'"
    async for row in await session.stream(text(UNREPEATABLE)):
        yield f"runs {row.run_id} and {row.other_id}: the same inputs gave another result"
