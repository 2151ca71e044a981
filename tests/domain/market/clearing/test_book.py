"""Whoever reads the open book reads the same: what a batch may still clear."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.quantities import UKWH_PER_KWH
from domain.market.clearing import book
from domain.market.clearing.book import Level
from domain.market.orders.tables import OrderFilling
from domain.market.prices import models
from domain.market.view import market_view
from tests.domain.market.auctions.test_auctions import an_auction
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, QUARTER, SELL, a_delivery, a_market, a_trader, an_order, first_delivery


@pytest.mark.parametrize("interval", [0, 1])
async def test_a_flexible_order_stands_in_it_with_its_rest_and_an_auction_not_at_all(
    session: AsyncSession, interval: int
) -> None:
    market, flexible = await a_market(session), OrderFilling.FLEXIBLE
    await an_order(
        session, await a_trader(session), market, BUY, "10", "0.30", delivery=a_delivery(0, 2), filling=flexible
    )
    await an_order(session, await a_trader(session), market, SELL, "4", "0.20")
    await an_auction(session, await a_trader(session), market)
    await clear(session, market)
    connection, start = await session.connection(), a_delivery(interval).start

    levels = await book.levels(connection, [market], start, 5)
    read = await models.read(connection, [(market, start)])
    view = (await market_view.views(connection, [market], now=first_delivery() - QUARTER))[market]

    assert levels == {market: [Level(BUY, 300_000, 6 * UKWH_PER_KWH)]}
    assert read.levels == {(market, start): levels[market]}
    assert {each.delivery_start: (each.demand_ukwh, each.supply_ukwh) for each in view.balance} == {
        a_delivery(n).start: (6 * UKWH_PER_KWH, 0) for n in (0, 1)
    }
