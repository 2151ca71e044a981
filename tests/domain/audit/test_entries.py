"""The hash chain detects every way of changing history."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from domain.audit import entries


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
