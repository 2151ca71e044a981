"""Explanations, by hand and against the solver's own."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from api.market.clearing.bridge import clear_book, problem_of
from domain.market.clearing import book, clearings, explanations
from domain.market.clearing.explanations import FillReason
from domain.market.places import markets
from solver.market.clearing.clearing import clear as clear_problem
from tests.domain.market.clearing.batches import clear, next_batch
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order, linked_markets, now
from tests.solver.market.clearing.explanation import Reason, explain


async def reasons(session: AsyncSession, *order_ids: Any) -> list[list[FillReason]]:
    found = await explanations.standings(await session.connection(), order_ids)
    return [[standing.reason for standing in found[order_id]] for order_id in order_ids]


async def test_tells_who_was_reached_and_who_was_not(session: AsyncSession) -> None:
    market = await a_market(session)
    first, second, third, low = [
        await an_order(session, await a_trader(session), market, BUY, "1", price)
        for price in ("0.2", "0.2", "0.2", "0.1")
    ]
    sell = await an_order(session, await a_trader(session), market, SELL, "1.5", "0.05", delivery=a_delivery(0, 2))
    await clear(session, market)

    assert await reasons(session, first, second, third, low, sell) == [
        [FillReason.FILLED],
        [FillReason.PARTLY_FILLED],
        [FillReason.BEHIND_IN_TIME],
        [FillReason.OUTPRICED],
        [FillReason.FILLED, FillReason.NOTHING_TRADED],
    ]


async def test_an_order_stands_as_the_last_clearing_before_its_end_left_it(session: AsyncSession) -> None:
    market = await a_market(session)
    buyer, seller = await a_trader(session), await a_trader(session)
    buy = await an_order(session, buyer, market, BUY, "2", "0.2")
    await an_order(session, seller, market, SELL, "1", "0.05")
    await clear(session, market)
    await an_order(session, await a_trader(session), market, BUY, "1", "0.3")
    await an_order(session, seller, market, SELL, "1", "0.05")
    await clear(session, market)

    (standing,) = (await explanations.standings(await session.connection(), [buy]))[buy]

    assert (standing.filled_ukwh, standing.fill_ukwh, standing.reason) == (1_000_000, 0, FillReason.OUTPRICED)


async def test_says_that_a_transfer_limit_was_reached(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
    sell = await an_order(session, await a_trader(session), cheap, SELL, "5", "0.05")
    buy = await an_order(session, await a_trader(session), dear, BUY, "3", "0.25")
    await clear(session, dear)

    found = await explanations.standings(await session.connection(), [sell, buy])

    for order_id, price in ((sell, "0.05"), (buy, "0.25")):
        (standing,) = found[order_id]
        assert (standing.reason, standing.is_way_full) == (FillReason.PARTLY_FILLED, True)
        assert standing.sentence == (
            f"It was the last order reached at the zone's price of {price} EUR/kWh: those ahead by price and time left "
            "it only a part. A linked zone had a better price, but the transfer limit was reached."
        )


async def test_says_when_only_ones_own_order_was_left(session: AsyncSession) -> None:
    trader, market = await a_trader(session), await a_market(session)
    own = await an_order(session, trader, market, BUY, "1", "0.3")
    await an_order(session, await a_trader(session), market, BUY, "0.5", "0.2")
    await an_order(session, trader, market, SELL, "2", "0.1")
    await clear(session, market)

    assert await reasons(session, own) == [[FillReason.OWN_ORDER]]


async def test_an_order_that_arrived_while_the_batch_was_cleared_is_told_so(session: AsyncSession) -> None:
    market = await a_market(session)
    for side in (BUY, SELL):
        await an_order(session, await a_trader(session), market, side, "1", "0.2")
    read = await book.read(session, await markets.coupled(session, market), now=now())
    late = await an_order(session, await a_trader(session), market, BUY, "1", "0.3")
    await clearings.record(session, read, clear_book(read), batch=next_batch(), job_id=None, now=now())

    assert await reasons(session, late) == [[FillReason.ARRIVED_LATE]]


SAME = {
    Reason.FILLED: FillReason.FILLED,
    Reason.PARTLY_FILLED: FillReason.PARTLY_FILLED,
    Reason.BEHIND_IN_TIME: FillReason.BEHIND_IN_TIME,
    Reason.OUTPRICED: FillReason.OUTPRICED,
    Reason.NOTHING_TRADED: FillReason.NOTHING_TRADED,
    Reason.OWN_ORDER_WITHDRAWN: FillReason.OWN_ORDER,
}
PLACED = st.tuples(
    st.integers(0, 1),
    st.sampled_from([BUY, SELL]),
    st.sampled_from(["0.5", "1", "2"]),
    st.sampled_from(["0.1", "0.2", "0.3"]),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(placed=st.lists(PLACED, min_size=2, max_size=8))
async def test_says_of_a_first_batch_what_the_solver_says(session: AsyncSession, placed: list[tuple[Any, ...]]) -> None:
    async with session.begin_nested() as example:
        linked = await linked_markets(session, kwh="0.7", eur_per_kwh="0.02")
        for where, side, kwh, price in placed:
            await an_order(session, await a_trader(session), linked[where], side, kwh, price)
        read = await book.read(session, await markets.coupled(session, linked[0]), now=now())
        problem = problem_of(read)
        cleared = clear_problem(problem)
        await clear(session, linked[0])

        ids = [each.order_id for each in read.open]
        for order, said in zip(range(len(ids)), await reasons(session, *ids), strict=True):
            reason = explain(problem, cleared, order).reason
            if reason is not Reason.NOTHING_TRADED:  # What was met from other zones test_linked_explanations looks at.
                assert said == [SAME[reason]]
        await example.rollback()
