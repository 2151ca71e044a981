"""The hash chain detects every way of changing history."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from domain.audit import entries
from domain.audit.entries import Act
from domain.audit.tables import AuditEntry, AuditHead


async def three_entries(session: AsyncSession) -> None:
    for act in ("one", "two", "three"):
        await entries.record(session, act, actor="test", subject=("Thing", uuid4()), facts={"value": act})
    await session.commit()


async def test_an_untouched_chain_holds(session: AsyncSession) -> None:
    await three_entries(session)

    assert [breach async for breach in entries.verify(session)] == []


async def test_each_scope_has_a_chain_of_its_own(session: AsyncSession) -> None:
    scope = uuid4()
    await entries.record(session, "one", actor="test", subject=("Thing", None), scope_id=scope)
    await entries.record(session, "two", actor="test", subject=("Thing", None))

    sequences = await session.execute(text("SELECT chain, sequence FROM audit_entry WHERE act IN ('one', 'two')"))

    assert (str(scope), 1) in {tuple(row) for row in sequences}


async def test_acts_of_several_scopes_are_recorded_at_once_each_chain_in_their_order(session: AsyncSession) -> None:
    scopes = [uuid4(), uuid4(), uuid4()]
    await entries.record(session, "earlier", actor="test", subject=("Thing", None), scope_id=scopes[2])
    facts: list[dict[Any, Any]] = [{"n": n, 7: [("é", scopes[0])]} for n in range(9)]

    acts = [Act("act", "test", ("Thing", None), scopes[n % 3], each) for n, each in enumerate(facts)]
    await entries.record_many(session, acts)
    await entries.record_many(session, [])

    for place, scope in enumerate(scopes):
        stored = select(AuditEntry).where(AuditEntry.chain == str(scope), AuditEntry.act == "act")
        found = list(await session.scalars(stored.order_by(AuditEntry.sequence)))
        expected = [{"n": n, "7": [["é", str(scopes[0])]]} for n in range(place, 9, 3)]
        assert [entry.facts for entry in found] == expected
    assert [breach async for breach in entries.verify(session)] == []


async def test_writers_who_begin_the_same_chains_wait_for_each_other(fresh_database: str) -> None:
    engine = create_async_engine(fresh_database, pool_size=8)
    scopes = [uuid4() for _ in range(3)]

    async def write(number: int) -> None:
        acts = [Act("act", "test", ("Thing", None), scopes[(number + n) % 3]) for n in range(3)]
        async with AsyncSession(engine) as session, session.begin():
            await entries.record_many(session, acts)

    async with asyncio.timeout(20):
        await asyncio.gather(*(write(number) for number in range(24)))
    async with AsyncSession(engine) as session:
        breaches = [breach async for breach in entries.verify(session)]
        ends = list(await session.scalars(select(AuditHead.sequence)))
    await engine.dispose()

    assert breaches == []
    assert ends == [24, 24, 24]


@pytest.mark.parametrize(
    ("tampering", "reason"),
    [
        ('UPDATE audit_entry SET facts = \'{"value": "lie"}\' WHERE sequence = 2', "the entry was altered"),
        ("UPDATE audit_entry SET actor = 'nobody' WHERE sequence = 1", "the entry was altered"),
        ("DELETE FROM audit_entry WHERE sequence = 2", "entry 2 is missing"),
        ("DELETE FROM audit_entry WHERE sequence = 3", "the chain does not end at its recorded head"),
        (
            "UPDATE audit_entry SET sequence = CASE sequence WHEN 1 THEN -2 ELSE -1 END WHERE sequence < 3;"
            "UPDATE audit_entry SET sequence = -sequence WHERE sequence < 0",
            "the entry was altered",
        ),
    ],
)
async def test_tampering_by_the_owner_of_the_database_is_detected(
    fresh_database: str, tampering: str, reason: str
) -> None:
    engine = create_async_engine(fresh_database)
    async with AsyncSession(engine) as session:
        await three_entries(session)
        await session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER append_only"))
        for statement in tampering.split(";"):
            await session.execute(text(statement))
        await session.commit()

        reasons = {breach.reason async for breach in entries.verify(session)}

    await engine.dispose()
    assert reason in reasons


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'me'", "DELETE FROM audit_entry"])
async def test_neither_application_nor_owner_may_change_entries(fresh_database: str, statement: str) -> None:
    for options in ({}, {"server_settings": {"role": "commonwatt_app"}}):
        engine = create_async_engine(fresh_database, connect_args=options)
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
                await connection.execute(text(statement))
        await engine.dispose()
