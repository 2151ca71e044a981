"""A market whose clearing fails does not hold up those it is linked to, and an operator hears of it."""

import logging
from typing import Any

import pytest
from sqlalchemy import select

from api.jobs.work import carry_out
from api.market.clearing import jobs
from api.market.clearing.bridge import clear_book
from domain.jobs.tables import Job, JobStatus
from domain.market.clearing.tables import Trade
from tests.api.market.clearing.test_jobs import asked
from tests.api.market.conftest import Live
from tests.factories.market import BUY, SELL, a_trader, an_order, linked_markets


async def test_after_three_failures_each_market_is_cleared_alone(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with live.database.transaction() as session:
        sound, broken = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
        for market in (sound, broken):
            await an_order(session, await a_trader(session), market, SELL, "2", "0.05")
            await an_order(session, await a_trader(session), market, BUY, "2", "0.25")
    job_id = await asked(live)

    def failing(book: Any) -> Any:
        if broken in book.coupling.market_ids:
            raise RuntimeError("the book of this market breaks the solver")
        return clear_book(book)

    monkeypatch.setattr(jobs, "clear_book", failing)
    with caplog.at_level(logging.CRITICAL, logger="commonwatt.jobs"):
        for _ in range(3):
            await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        traded = list(await session.scalars(select(Trade.market_id)))
        job = await session.get_one(Job, job_id)
    assert traded == [sound]
    assert job.status is JobStatus.QUEUED
    assert [record.message for record in caplog.records if record.levelno == logging.CRITICAL] == [
        f"CLEAR_MARKET job {job_id} failed 3 times: look at it"
    ]

    monkeypatch.setattr(jobs, "clear_book", clear_book)
    await carry_out(live.database, job_id)
    async with live.database.transaction() as session:
        assert sorted(await session.scalars(select(Trade.market_id))) == sorted([sound, broken])
        assert (await session.get_one(Job, job_id)).status is JobStatus.SUCCEEDED
