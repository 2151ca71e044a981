"""Idempotency keys are forgotten after thirty days, and not before."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs import jobs
from domain.kernel.database import new_id
from domain.kernel.idempotency import IdempotencyKey


async def test_keys_are_forgotten_after_thirty_days(session: AsyncSession) -> None:
    for key in ("old", "young"):
        session.add(IdempotencyKey(actor="test", key=key, input_digest=b"", result_id=new_id()))
    await session.flush()
    ages = {"old": timedelta(days=30, seconds=1), "young": timedelta(days=29)}
    for key, age in ages.items():
        aged = text("UPDATE idempotency_key SET created_at = :at WHERE key = :key")
        await session.execute(aged, {"at": datetime.now(UTC) - age, "key": key})

    await jobs.forget_idempotency_keys(session)

    assert list(await session.scalars(select(IdempotencyKey.key).where(IdempotencyKey.actor == "test"))) == ["young"]
