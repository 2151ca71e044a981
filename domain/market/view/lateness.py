"""Markets that should have been cleared and were not, whatever the reason: no relay, no worker, a clock that was wrong.

A book to which nothing happened rests, and is not late however long ago its last batch was.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.market.clearing.clearings import SETTLES_S

# Where open orders wait although the last batch is older than three: for news of the book (the newest that is older
# than one batch, which a sound platform has cleared) or for a gate that has closed. And where the last batch is one
# that is still to come: until it has come nothing is cleared. The stream is read backwards, so by a few rows.
LATE = text("""
    SELECT market.id FROM (
        SELECT *, 'market\\:' || id || '\\:book' AS stream,
               CAST(:now AS timestamptz) - make_interval(secs => batch_seconds) AS patient_until,
               extract(epoch FROM CAST(:now AS timestamptz)) - last_batch AS age_s
        FROM market) AS market
    WHERE EXISTS (SELECT FROM order_interval WHERE market_id = market.id AND is_open)
      AND (age_s < -batch_seconds OR age_s >= 3 * batch_seconds AND (
          (SELECT created_at FROM event WHERE event.stream = market.stream AND created_at <= patient_until
           ORDER BY sequence DESC LIMIT 1) > to_timestamp(last_batch - :settles)
          OR EXISTS (SELECT FROM order_interval
                     WHERE market_id = market.id AND is_open AND delivery_start <= patient_until)))
    ORDER BY market.id
""").bindparams(bindparam("now", type_=DateTime(timezone=True)), bindparam("settles", SETTLES_S))


async def late_markets(connection: AsyncConnection, *, now: datetime) -> list[UUID]:
    """Markets with open orders that have waited for a clearing for longer than three batches, or will have to."""
    return list((await connection.execute(LATE, {"now": now})).scalars())
