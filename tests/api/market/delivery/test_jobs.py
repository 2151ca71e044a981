"""Settlement as a job: from the relay's look at the clock to money, notices and certificates, also after a kill."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs import registry
from api.jobs.work import carry_out
from api.market.delivery import bridge, jobs
from domain.jobs.tables import Job, JobStatus
from domain.market.delivery import recording as domain_settling
from domain.market.delivery import verification
from domain.market.delivery.tables import CertificateHolding, DeliveryHour, TradeDelivery
from domain.market.places.tables import EnergySource
from tests.api.market.conftest import Live
from tests.factories.deliveries import NOON, Party, a_party, a_trade, balances, injected, withdrew
from tests.factories.market import a_market


class Killed(BaseException):
    """Stands for kill -9."""


async def the_trades(live: Live, count: int = 3) -> tuple[UUID, Party, Party]:
    """A market, a seller and a buyer with some trades of 1 kWh of wind at 0.2, all of which can be delivered."""
    async with live.database.transaction() as session:
        market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
        await injected(session, seller, str(count))
        await withdrew(session, buyer, str(count))
        for _ in range(count):
            await a_trade(session, market, seller, buyer, "1", "0.2", source=EnergySource.WIND)
    return market, seller, buyer


async def asked(live: Live) -> list[UUID]:
    """The jobs that the relay asks for."""
    async with live.database.transaction() as session:
        await jobs.schedule_settlement(session)
    async with live.database.transaction() as session:
        return list(await session.scalars(select(Job.id).where(Job.status == JobStatus.QUEUED)))


async def settled_and_told(session: AsyncSession) -> tuple[Any, Any]:
    notices = await session.execute(text("SELECT kind, user_id, facts->>'trades' FROM notice ORDER BY 1, 2"))
    return await session.scalar(select(func.count()).select_from(TradeDelivery)), sorted(map(tuple, notices.all()))


def test_the_relay_looks_whether_a_settlement_is_due() -> None:
    assert jobs.schedule_settlement in registry.PERIODIC


async def test_a_due_hour_is_settled_certified_and_told_once(live: Live) -> None:
    _, seller, buyer = await the_trades(live)
    (job_id,) = await asked(live)
    assert await asked(live) == [job_id]

    await carry_out(live.database, job_id)

    assert await asked(live) == []
    async with live.database.transaction() as session:
        assert await balances(session, seller) == (600_000, 0, 0)
        count, told = await settled_and_told(session)
        owned = await session.scalar(
            select(CertificateHolding.owned_wh).where(CertificateHolding.owner_id == buyer.user_id)
        )
        assert (count, owned) == (3, 3_000)
        certificate = ("CERTIFICATE", buyer.user_id, None)
        assert told == sorted(
            [certificate, *(("TRADE_SETTLED", party.user_id, "3") for party in (seller, buyer))],
        )
        assert not [breach async for breach in verification.breaches(session)]
        job = await session.get_one(Job, job_id)
        assert job.status is JobStatus.SUCCEEDED


async def test_a_job_that_was_killed_between_two_transactions_goes_on_where_it_stopped(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, seller, buyer = await the_trades(live)
    monkeypatch.setattr(domain_settling, "TOGETHER_MAX", 1)
    (job_id,) = await asked(live)
    record, recorded = domain_settling.record, []

    async def killed_at_the_third(*given: Any, **facts: Any) -> None:
        recorded.append(given)
        if len(recorded) == 3:
            raise Killed
        await record(*given, **facts)

    monkeypatch.setattr(domain_settling, "record", killed_at_the_third)
    with pytest.raises(Killed):
        await carry_out(live.database, job_id)
    async with live.database.transaction() as session:
        between = (await settled_and_told(session), await balances(session, seller))
        await session.execute(update(Job).values(lease_until=None))

    await carry_out(live.database, job_id)

    assert between == ((2, []), (400_000, 0, 0))
    async with live.database.transaction() as session:
        count, told = await settled_and_told(session)
        assert (count, await balances(session, seller)) == (3, (600_000, 0, 0))
        assert ("TRADE_SETTLED", buyer.user_id, "3") in told
        assert not [breach async for breach in verification.breaches(session)]


async def test_an_hour_that_cannot_be_settled_is_put_off_and_the_others_are_settled(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    await the_trades(live)
    async with live.database.transaction() as session:
        market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
        await injected(session, seller, "0", "0", "0", "0", "1")
        await withdrew(session, buyer, "0", "0", "0", "0", "1")
        await a_trade(session, market, seller, buyer, "1", "0.2", start=NOON + timedelta(hours=1))
    (job_id,) = await asked(live)

    def fails_at_noon(hour: Any, now: Any) -> Any:
        if hour.starts_at == NOON:
            raise AssertionError("a bug")
        return bridge.deliver_hour(hour, now)

    monkeypatch.setattr(jobs, "deliver_hour", fails_at_noon)

    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        assert await balances(session, seller) == (200_000, 0, 0)
        hours = await session.execute(select(DeliveryHour.is_settled).order_by(DeliveryHour.starts_at))
        assert [hour.is_settled for hour in hours] == [False, True]
        assert (await session.get_one(Job, job_id)).status is JobStatus.SUCCEEDED
