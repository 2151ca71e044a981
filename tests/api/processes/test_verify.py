"""`bin/verify` finds what breaks an invariant, and exits accordingly."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from api.sharing.bridge import solve
from domain.metering.tables import Direction
from domain.sharing import allocations, inputs
from tests.factories.sharing import a_group, a_key

pytestmark = pytest.mark.usefixtures("processes")
ROOT = Path(__file__).parents[3]
W, J = Direction.WITHDRAWN, Direction.INJECTED

# What the owner of the database does behind our back, and the words in which it is told.
TAMPERINGS = {
    "a day's total": ("reading", "UPDATE reading SET total_ukwh = total_ukwh + 1", "total differs from its values"),
    "a reading of nobody": (
        "reading",
        "UPDATE reading SET metering_point_id = gen_random_uuid()",
        "there is no such metering point",
    ),
    "a current row": ("reading", "UPDATE reading SET superseded_at = now()", "the current row are missing"),
    "a reading's length": (
        "reading",
        "UPDATE reading SET values_ukwh = values_ukwh[1:92], total_ukwh = total_ukwh - 4 * values_ukwh[96]",
        "another number of intervals",
    ),
    "energy from nowhere": (
        "allocation_day",
        "UPDATE allocation_day SET shared_ukwh[1] = shared_ukwh[1] - 1 WHERE direction = 'INJECTED'",
        "interval 1: 100000 in, 99999 out",
    ),
    "more than was metered": (
        "allocation_day",
        "UPDATE allocation_day SET metered_ukwh[1] = 0 WHERE direction = 'WITHDRAWN'",
        "more given out than metered",
    ),
    "a member's total": (
        "member_allocation",
        "UPDATE member_allocation SET shared_in_ukwh = shared_in_ukwh - 1 WHERE shared_in_ukwh > 0",
        "totals differ from the intervals",
    ),
    "a run's total": (
        "allocation_run",
        "UPDATE allocation_run SET shared_ukwh = shared_ukwh - 1",
        "totals differ from its members'",
    ),
    "another result for the same inputs": (
        "allocation_run",
        "INSERT INTO allocation_run SELECT gen_random_uuid(), community_id, period_start, period_end, 2, key_id, "
        "interval_minutes, input_digest, injected_ukwh, withdrawn_ukwh, 0, job_id FROM allocation_run",
        "the same inputs gave another result",
    ),
    "a balance": (
        "account",
        "UPDATE account SET balance_ueur = -5 WHERE kind = 'EXTERNAL'",
        "a balance is the sum of its entries",
    ),
    "a lost event": ("event", "DELETE FROM event", "events, the last is 0"),
    "an altered entry": ("audit_entry", "UPDATE audit_entry SET actor = 'nobody'", "the entry was altered"),
}


async def an_allocated_group(url: str) -> None:
    engine = create_async_engine(url)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        group = await a_group(session, [{J: 200_000}, {W: 100_000}])
        await a_key(session, group)
        read = await inputs.read_inputs(await session.connection(), group.community.id, group.day())
        await allocations.record_run(session, read, solve(read), job_id=None, actor="test")
        await session.execute(text("INSERT INTO event (stream, sequence, payload) VALUES ('s', 1, '{}')"))
        await session.execute(text("INSERT INTO event_stream (stream, sequence) VALUES ('s', 1)"))
        await session.commit()
    await engine.dispose()


async def tamper(url: str, table: str, statement: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        await connection.execute(text("SET session_replication_role = replica"))
        await connection.execute(text(statement))
    await engine.dispose()


async def verified(url: str | None, *options: str) -> tuple[int, str]:
    """The exit status and what is said; it is told of the database and of nothing else."""
    environment = {"PATH": os.environ["PATH"], **({"DATABASE_URL": url} if url else {})}
    command = [sys.executable, "-m", "api.verify", *options]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


async def test_an_untouched_database_holds(fresh_database: str) -> None:
    await an_allocated_group(fresh_database)

    status, told = await verified(fresh_database)

    assert (status, "BREACH" in told) == (0, False), told


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_told_row_by_row(fresh_database: str, name: str) -> None:
    table, statement, words = TAMPERINGS[name]
    await an_allocated_group(fresh_database)
    await tamper(fresh_database, table, statement)

    status, told = await verified(fresh_database)

    assert status == 1, told
    assert words in told


async def test_of_many_rows_the_first_are_told_and_how_many_there_are(fresh_database: str) -> None:
    await tamper(
        fresh_database,
        "event_stream",
        "INSERT INTO event_stream (stream, sequence) SELECT 's' || n, 1 FROM generate_series(1, 30) AS n",
    )

    status, told = await verified(fresh_database)
    _, whole = await verified(fresh_database, "--all")

    assert (status, told.count("BREACH"), whole.count("BREACH")) == (1, 21, 30)
    assert "and 10 more" in told
    assert "I3 history, events: 30 breaches" in told


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "DATABASE_URL: Field required"),
        ("postgresql+asyncpg://commonwatt@127.0.0.1:1/commonwatt", "Connect call failed"),
    ],
)
async def test_what_cannot_be_found_out_is_neither_whole_nor_broken(url: str | None, reason: str) -> None:
    status, told = await verified(url)

    assert (status, len(told.splitlines())) == (2, 1), told
    assert reason in told
