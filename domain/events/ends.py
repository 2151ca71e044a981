"""How work ended: counted for ever, and each final failure told once it is committed.

Triggers count each end of a job, a delivery, a payment and a web hook in its own transaction, by a row of its own: so
counts are right over all workers, whatever ends the work, and nobody waits for anybody. Now and then the rows are added
up. Decision, 2026-12-01: rows instead of counts in processes, because workers come and go, and because those of a
restarted process would begin again; and not counted from the work's own rows, which a retry takes back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.events.tables import WorkEnded

ADDED_UP_FROM = 500  # Rows.
CODE = re.compile(r"\w{1,100}", re.ASCII)
FAILURES = "failures"  # What a session carries of its transaction until it is committed.


@dataclass(frozen=True, slots=True)
class Failure:
    """Work that will not be tried again by itself. `reason` is a code; no text that a person or a provider wrote."""

    work: str
    kind: str
    id: UUID | None
    reason: str
    community_id: UUID | None = None


class Ended(NamedTuple):
    """How often work of a kind has ended so."""

    work: str
    kind: str
    outcome: str
    times: int


def failed(session: AsyncSession, failure: Failure) -> None:
    """Have a final failure told once the transaction is committed."""
    reason = failure.reason if CODE.fullmatch(failure.reason) else "OTHER"  # A provider's own words stay out of logs.
    session.info.setdefault(FAILURES, []).append(replace(failure, reason=reason))


def told(info: dict[Any, Any]) -> Sequence[Failure]:
    """The failures of a session that was committed, once."""
    failures: Sequence[Failure] = info.pop(FAILURES, ())
    return failures


async def counts(connection: AsyncConnection | AsyncSession) -> Sequence[Ended]:
    """How often work has ended since counting began; a count never falls."""
    total = func.sum(WorkEnded.ended)
    query = select(WorkEnded.work, WorkEnded.kind, WorkEnded.outcome, total)
    rows = await connection.execute(query.group_by(WorkEnded.work, WorkEnded.kind, WorkEnded.outcome))
    return [Ended(work, kind, outcome, int(times)) for work, kind, outcome, times in rows]


async def add_up(session: AsyncSession) -> None:
    """Put rows together once there are many. Several may do it at once: each takes rows that no other holds."""
    if (await session.execute(select(func.count()).select_from(WorkEnded))).scalar_one() >= ADDED_UP_FROM:
        await session.execute(ADDED_UP)


ADDED_UP = text("""
WITH held AS (SELECT id FROM work_ended LIMIT 100000 FOR UPDATE SKIP LOCKED),
     taken AS (DELETE FROM work_ended USING held WHERE work_ended.id = held.id RETURNING work, kind, outcome, ended)
INSERT INTO work_ended (work, kind, outcome, ended)
SELECT work, kind, outcome, sum(ended) FROM taken GROUP BY work, kind, outcome""")
