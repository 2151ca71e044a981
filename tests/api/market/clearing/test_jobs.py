"""A whole batch, from the relay's look at the clock to the recorded trades."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs import registry
from api.jobs.work import Work, carry_out
from api.market.clearing import jobs
from domain.events import feed
from domain.jobs.tables import Job, JobStatus
from domain.kernel.verification import checks
from domain.market.clearing import clearings, ticks, trades
from domain.market.clearing.explanations import FillReason
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders import orders
from domain.market.orders.tables import Order, OrderStatus
from domain.market.places.tables import Market
from tests.api.market.conftest import Live
from tests.domain.market.clearing.linking import placed, told, zones
from tests.factories.market import (
    BUY,
    SELL,
    a_market,
    a_trader,
    an_order,
    first_delivery,
    linked_markets,
    now,
)


async def stored(session: AsyncSession) -> list[Any]:
    rows: list[Any] = []
    for table in ("market", "market_order", "order_interval", "clearing", "trade", "event", "audit_entry"):
        rows += (await session.execute(text(f"SELECT '{table}', t::text FROM {table} AS t ORDER BY 2"))).all()
    return rows


async def asked(live: Live) -> UUID:
    """The one job that the relay asks for."""
    async with live.database.transaction() as session:
        await jobs.schedule_clearings(session)
    async with live.database.transaction() as session:
        (job,) = await session.scalars(select(Job.id).where(Job.status == JobStatus.QUEUED))
    return job


def test_the_relay_looks_whether_a_batch_is_due() -> None:
    assert jobs.schedule_clearings in registry.PERIODIC


async def test_a_batch_clears_linked_markets_once(live: Live) -> None:
    async with live.database.transaction() as session:
        cheap, dear = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
        sell = await an_order(session, await a_trader(session), cheap, SELL, "5", "0.05")
        buy = await an_order(session, await a_trader(session), dear, BUY, "1", "0.25")
    job_id = await asked(live)

    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        job = await session.get_one(Job, job_id)
        assert (job.status, job.progress, job.error_code) == (JobStatus.SUCCEEDED, 1.0, None)
        (trade,) = await session.scalars(select(Trade))
        assert (trade.sell_order_id, trade.buy_order_id, trade.energy_ukwh) == (sell, buy, 1_000_000)
        # All that is offered across the full link is bought: the buyer's own limit and the way's cost bound the price.
        assert (trade.seller_price_ueur_per_kwh, trade.price_ueur_per_kwh) == (50_000, 155_000)
        assert {clearing.job_id for clearing in await session.scalars(select(Clearing))} == {job_id}
        statuses = {order.id: order.status for order in await session.scalars(select(Order))}
        assert statuses == {sell: OrderStatus.PARTIALLY_FILLED, buy: OrderStatus.FILLED}
        assert [breach async for breach in checks()["I1 energy, market"](session)] == []
        assert await feed.last_sequence(session, trades.stream_of(cheap)) == 1
        assert await feed.last_sequence(session, ticks.stream_of(dear)) == 1


async def test_carrying_out_a_batch_twice_changes_nothing(live: Live) -> None:
    async with live.database.transaction() as session:
        market = await a_market(session)
        await an_order(session, await a_trader(session), market, BUY, "2", "0.25")
        await an_order(session, await a_trader(session), market, SELL, "1", "0.05")
    job_id = await asked(live)
    await carry_out(live.database, job_id)
    async with live.database.transaction() as session:
        before = [row for row in await stored(session) if "job:" not in row[1]]
        # As after a crash behind the commit whose acknowledgement was lost.
        again = {"status": JobStatus.QUEUED, "finished_at": None}
        await session.execute(update(Job).where(Job.id == job_id).values(again))

    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        assert (await session.get_one(Job, job_id)).status is JobStatus.SUCCEEDED
        assert [row for row in await stored(session) if "job:" not in row[1]] == before


async def test_a_cancellation_during_the_solve_is_heeded(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async with live.database.transaction() as session:
        market, buyer = await a_market(session), await a_trader(session)
        buy = await an_order(session, buyer, market, BUY, "2", "0.25")
        other = await an_order(session, await a_trader(session), market, BUY, "1", "0.2")
        await an_order(session, await a_trader(session), market, SELL, "1", "0.05")
    job_id = await asked(live)
    solve = Work.solve
    cancelled: list[UUID] = []

    async def cancel_meanwhile(work: Work, *arguments: Any) -> Any:
        outcome = await solve(work, *arguments)
        if not cancelled:
            cancelled.append(buy)
            async with live.database.transaction() as session:
                await orders.cancel(session, buyer, buy, now=now())
        return outcome

    monkeypatch.setattr(Work, "solve", cancel_meanwhile)
    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        (trade,) = await session.scalars(select(Trade))
        assert trade.buy_order_id == other
        statuses = {order.id: order.status for order in await session.scalars(select(Order))}
        assert (statuses[buy], statuses[other]) == (OrderStatus.CANCELLED, OrderStatus.FILLED)
        assert (await session.get_one(Job, job_id)).status is JobStatus.SUCCEEDED
        assert [breach async for breach in checks()["I1 energy, market"](session)] == []


async def test_a_book_that_never_rests_fails_the_job_and_the_next_batch_goes_on(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with live.database.transaction() as session:
        market = await a_market(session)
        await an_order(session, await a_trader(session), market, BUY, "2", "0.25")

    async def changed(*_: Any, **__: Any) -> bool:
        raise clearings.BookChanged

    with monkeypatch.context() as patch:
        patch.setattr(clearings, "record", changed)
        job_id = await asked(live)
        await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        job = await session.get_one(Job, job_id)
        assert (job.status, job.error_code) == (JobStatus.FAILED, "BookChanged")
        assert (await session.get_one(Market, market)).last_batch == 0
        later = await clearings.schedule(session, now=now() + timedelta(seconds=5))
        assert len(later) == 1


async def test_a_batch_closes_what_has_begun(live: Live) -> None:
    async with live.database.transaction() as session:
        market = await a_market(session)
        order_id = await an_order(session, await a_trader(session), market, BUY)
        past = first_delivery() - timedelta(days=1)
        await session.execute(text("UPDATE order_interval SET delivery_start = :past"), {"past": past})
    job_id = await asked(live)

    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        assert (await session.get_one(Order, order_id)).status is OrderStatus.EXPIRED


@pytest.mark.parametrize("made", ["XYW", "WYX", "YWX"])
@pytest.mark.parametrize("ways", [("XY", "XW"), ("XW", "XY")])
async def test_a_batch_serves_equal_prices_as_they_came_whichever_zone_and_link_was_made_first(
    live: Live, made: str, ways: tuple[str, str]
) -> None:
    async with live.database.transaction() as session:
        market = await zones(session, made, *ways)
        rows = (
            ("W", BUY, "0.001", "0.10"),
            ("X", SELL, "0.001", "0"),
            ("Y", SELL, "0.001", "0"),
            ("Y", BUY, "0.002", "0.10"),
            ("W", BUY, "0.002", "0.10"),
        )
        order_ids = await placed(session, market, *rows)
    job_id = await asked(live)

    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        found = await told(session, order_ids)
        assert [filled for filled, _ in found] == [1, 1, 1, 1, 0]
        assert [reason for _, reason in found[3:]] == [FillReason.PARTLY_FILLED, FillReason.BEHIND_IN_TIME]
        assert [breach async for breach in checks()["I1 energy, market"](session)] == []
