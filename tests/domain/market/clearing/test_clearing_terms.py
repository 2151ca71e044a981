"""Minimum fills, flexible orders, classes of energy and pricing rules, from the order to its trades."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.market.clearing.bridge import clear_book
from domain.kernel.verification import checks
from domain.market.clearing import book, explanations, untraded
from domain.market.clearing.book import Level
from domain.market.clearing.explanations import FillReason
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders.tables import Acceptance, Order, OrderFilling, OrderInterval, OrderStatus
from domain.market.places import markets
from domain.market.places.tables import EnergySource, PricingRule
from solver.market import VERSION
from tests.domain.market.clearing import replays
from tests.domain.market.clearing.batches import clear
from tests.factories.market import (
    BUY,
    QUARTER,
    SELL,
    a_delivery,
    a_market,
    a_trader,
    an_order,
    first_delivery,
    linked_markets,
    now,
)

KWH = 1_000_000


async def all_of(session: AsyncSession, table: Any) -> list[Any]:
    query = select(table).order_by(table.id).execution_options(populate_existing=True)
    return list(await session.scalars(query))


async def order_of(session: AsyncSession, owner: Any, *given: Any, **terms: Any) -> Any:
    return await an_order(session, owner or await a_trader(session), *given, **terms)


async def fills(session: AsyncSession, *order_ids: Any) -> list[int]:
    filled = {order.id: order.filled_ukwh for order in await all_of(session, Order)}
    return [filled[order_id] for order_id in order_ids]


async def intervals(session: AsyncSession, order_id: Any) -> list[tuple[int, bool]]:
    """Fill of each interval of an order, and whether it is open."""
    query = select(OrderInterval).where(OrderInterval.order_id == order_id).order_by(OrderInterval.delivery_start)
    rows = await session.scalars(query.execution_options(populate_existing=True))
    return [(each.filled_ukwh, each.is_open) for each in rows]


async def reasons(session: AsyncSession, order_id: Any) -> list[FillReason]:
    found = await explanations.standings(await session.connection(), [order_id])
    return [standing.reason for standing in found[order_id]]


async def breaches(session: AsyncSession) -> list[str]:
    return [breach async for breach in checks()["I1 energy, market"](session)]


async def test_an_order_is_filled_to_its_minimum_or_left_out(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await order_of(session, None, market, BUY, "10", "0.30")
    small = await order_of(session, None, market, SELL, "6", "0.10")
    whole = await order_of(session, None, market, SELL, "8", "0.12", minimum_fill_ukwh=8 * KWH)
    dear = await order_of(session, None, market, SELL, "4", "0.20")

    await clear(session, market)

    assert await fills(session, buy, small, whole, dear) == [10 * KWH, 6 * KWH, 0, 4 * KWH]
    assert await reasons(session, whole) == [FillReason.MINIMUM_FILL]
    (clearing,) = await all_of(session, Clearing)
    assert clearing.parameters["below_minimum"] == [str(whole)]
    assert clearing.welfare_ueur == 6 * 200_000 + 4 * 100_000
    assert clearing.bound_ueur == 6 * 200_000 + 4 * 180_000
    assert await breaches(session) == []


async def test_what_an_earlier_batch_filled_counts_towards_the_minimum(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await order_of(session, None, market, BUY, "10", "0.30", minimum_fill_ukwh=4 * KWH)
    for kwh, filled in (("3", 0), ("2", 5 * KWH), ("1", 6 * KWH)):
        await order_of(session, None, market, SELL, kwh, "0.10")
        await clear(session, market)

        assert await fills(session, buy) == [filled]
    assert await breaches(session) == []


async def test_the_rest_of_an_all_or_none_order_is_all_of_it(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await order_of(session, None, market, BUY, "10", "0.30", minimum_fill_ukwh=10 * KWH)
    await order_of(session, None, market, SELL, "9.999", "0.10")

    await clear(session, market)
    assert await fills(session, buy) == [0]
    await order_of(session, None, market, SELL, "0.001", "0.20")
    await clear(session, market)

    assert await fills(session, buy) == [10 * KWH]


async def test_a_flexible_order_is_spread_over_the_cheapest_intervals(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await order_of(
        session, None, market, BUY, "10", "0.30", delivery=a_delivery(0, 3), filling=OrderFilling.FLEXIBLE
    )
    await order_of(session, None, market, SELL, "4", "0.20", delivery=a_delivery(0))
    await order_of(session, None, market, SELL, "3", "0.10", delivery=a_delivery(1))
    await order_of(session, None, market, SELL, "5", "0.15", delivery=a_delivery(2))

    await clear(session, market)

    assert await intervals(session, buy) == [(2 * KWH, False), (3 * KWH, False), (5 * KWH, False)]
    (order,) = [each for each in await all_of(session, Order) if each.id == buy]
    assert (order.status, order.filled_ukwh) == (OrderStatus.FILLED, 10 * KWH)
    assert {clearing.price_ueur_per_kwh for clearing in await all_of(session, Clearing)} == {200_000}
    assert await reasons(session, buy) == [FillReason.FILLED] * 3
    assert await breaches(session) == []


async def test_a_flexible_order_offers_its_rest_in_every_interval(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await order_of(
        session, None, market, BUY, "10", "0.30", delivery=a_delivery(0, 2), filling=OrderFilling.FLEXIBLE
    )
    await order_of(session, None, market, SELL, "4", "0.20", delivery=a_delivery(0))
    await clear(session, market)

    assert await intervals(session, buy) == [(4 * KWH, True), (0, True)]
    for start in (first_delivery(), first_delivery() + QUARTER):
        found = await book.levels(await session.connection(), [market], start, 5)
        assert found[market] == [Level(BUY, 300_000, 6 * KWH)]

    await order_of(session, None, market, SELL, "20", "0.20", delivery=a_delivery(1))
    await clear(session, market)

    assert await intervals(session, buy) == [(4 * KWH, False), (6 * KWH, False)]
    assert await breaches(session) == []


async def test_a_flexible_order_says_where_it_was_filled(session: AsyncSession) -> None:
    market = await a_market(session)
    buy = await order_of(
        session, None, market, BUY, "1", "0.30", delivery=a_delivery(0, 2), filling=OrderFilling.FLEXIBLE
    )
    await order_of(session, None, market, SELL, "4", "0.20", delivery=a_delivery(1))

    await clear(session, market)

    assert await reasons(session, buy) == [FillReason.FILLED_ELSEWHERE, FillReason.FILLED]


async def test_a_buyer_of_green_energy_pays_its_price(session: AsyncSession) -> None:
    market = await a_market(session)
    green = await order_of(session, None, market, BUY, "5", "0.30", accepts=Acceptance.GREEN)
    any_ = await order_of(session, None, market, BUY, "5", "0.25")
    sun = await order_of(session, None, market, SELL, "4", "0.10", source=EnergySource.SOLAR)
    other = await order_of(session, None, market, SELL, "9", "0.15")

    await clear(session, market)

    assert await fills(session, green, any_, sun, other) == [4 * KWH, 5 * KWH, 4 * KWH, 5 * KWH]
    (clearing,) = await all_of(session, Clearing)
    assert clearing.price_ueur_per_kwh == 150_000
    assert clearing.class_prices == dict.fromkeys(("SOLAR", "WIND", "HYDRO", "BIOMASS", "GREEN"), 300_000)
    assert clearing.welfare_ueur == clearing.bound_ueur == 4 * 200_000 + 5 * 100_000
    paid = {(trade.buy_order_id, trade.price_ueur_per_kwh) for trade in await all_of(session, Trade)}
    assert paid == {(green, 300_000), (any_, 150_000)}
    assert await breaches(session) == []


async def test_a_market_where_only_a_class_traded_has_its_price(session: AsyncSession) -> None:
    market = await a_market(session)
    await order_of(session, None, market, BUY, "5", "0.30", accepts=Acceptance.SOLAR)
    await order_of(session, None, market, SELL, "4", "0.10", source=EnergySource.SOLAR)

    await clear(session, market)

    (clearing,) = await all_of(session, Clearing)
    assert (clearing.price_ueur_per_kwh, clearing.class_prices, clearing.bought_ukwh) == (300_000, {}, 4 * KWH)
    assert await breaches(session) == []


async def test_a_local_buyer_is_not_served_over_a_link(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="9")
    await order_of(session, None, cheap, SELL, "5", "0.10")
    local = await order_of(session, None, dear, BUY, "2", "0.40", accepts=Acceptance.LOCAL)
    any_ = await order_of(session, None, dear, BUY, "2", "0.30")

    await clear(session, dear)

    assert await fills(session, local, any_) == [0, 2 * KWH]
    assert await reasons(session, local) == [FillReason.SOURCE_NOT_OFFERED]
    assert await breaches(session) == []


async def test_rents_and_surpluses_add_up_to_the_bound(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
    await order_of(session, None, cheap, SELL, "5", "0.10")
    await order_of(session, None, dear, BUY, "2", "0.40")

    await clear(session, dear)

    by_market = {clearing.market_id: clearing for clearing in await all_of(session, Clearing)}
    assert by_market[cheap].congestion_rent_ueur == 0
    assert by_market[dear].congestion_rent_ueur == 290_000
    assert by_market[dear].bound_ueur == by_market[cheap].bound_ueur == 290_000
    zones = {market.id: market.zone_id for market in (await markets.coupled(session, dear)).markets}
    shown = {name: value for name, value in by_market[dear].parameters.items() if name not in untraded.TOLD}
    assert shown == {
        "solver_version": VERSION,
        "pricing": "UNIFORM",
        "market_version": 1,
        "links": [
            {
                "from_zone_id": str(zones[cheap]),
                "to_zone_id": str(zones[dear]),
                "left_ukwh": KWH,
                "cost_ueur_per_kwh": 10_000,
            }
        ],
        "objective_ueur": 290_000,
    }


@pytest.mark.parametrize(
    ("pricing", "paid"),
    [
        (PricingRule.UNIFORM, {200_000}),
        (PricingRule.PAY_AS_BID, {300_000, 250_000}),
        (PricingRule.MIDPOINT, {200_000, 225_000}),
    ],
)
async def test_pricing_decides_what_pairs_pay(session: AsyncSession, pricing: PricingRule, paid: set[int]) -> None:
    """0.30 meets 0.10, 0.25 meets 0.20 and takes half of it: a uniform price is 0.20."""
    market = await a_market(session, pricing=pricing)
    await order_of(session, None, market, BUY, "1", "0.30")
    await order_of(session, None, market, BUY, "1", "0.25")
    await order_of(session, None, market, SELL, "1", "0.10")
    await order_of(session, None, market, SELL, "2", "0.20")

    await clear(session, market)

    (clearing,) = await all_of(session, Clearing)
    assert (clearing.price_ueur_per_kwh, clearing.parameters["pricing"]) == (200_000, pricing.value)
    assert clearing.welfare_ueur == clearing.bound_ueur == 250_000
    traded = await all_of(session, Trade)
    assert {trade.price_ueur_per_kwh for trade in traded} == paid
    assert all(trade.price_ueur_per_kwh == trade.seller_price_ueur_per_kwh for trade in traded)
    assert await breaches(session) == []


async def test_markets_of_unlike_pricing_trade_with_each_other_at_uniform_prices(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1")
    await session.execute(text("UPDATE market SET pricing = 'PAY_AS_BID' WHERE id = :id"), {"id": dear})
    await order_of(session, None, cheap, SELL, "5", "0.10")
    await order_of(session, None, dear, BUY, "2", "0.40")
    await order_of(session, None, dear, SELL, "0.5", "0.20")

    await clear(session, dear)

    prices = {(trade.price_ueur_per_kwh, trade.seller_price_ueur_per_kwh) for trade in await all_of(session, Trade)}
    assert prices == {(400_000, 100_000), (400_000, 400_000)}
    assert await breaches(session) == []


async def test_a_kept_book_clears_to_the_same_outcome(session: AsyncSession) -> None:
    cheap, dear = await linked_markets(session, kwh="1", eur_per_kwh="0.01")
    flexible = {"delivery": a_delivery(0, 3), "filling": OrderFilling.FLEXIBLE}
    for price in ("0.40", "0.30"):
        await order_of(session, None, dear, BUY, "2", price, accepts=Acceptance.GREEN)
        await order_of(session, None, dear, BUY, "2", price, **flexible)
        await order_of(session, None, cheap, BUY, "2", price)
    await order_of(session, None, cheap, SELL, "5", "0.10", minimum_fill_ukwh=2 * KWH)
    await order_of(session, None, dear, SELL, "1", "0.20", source=EnergySource.WIND)
    await clear(session, dear)
    await order_of(session, None, cheap, SELL, "5", "0.10", delivery=a_delivery(0, 3))
    read = await book.read(session, await markets.coupled(session, dear), now=now())
    assert read.exported

    again = replays.parsed(read.text)

    assert again.digest == read.digest
    assert clear_book(again) == clear_book(read)
    assert clear_book(again).pairings


async def test_a_kept_book_that_was_changed_has_another_digest(session: AsyncSession) -> None:
    market = await a_market(session)
    await order_of(session, None, market, BUY, "1", "0.30")
    read = await book.read(session, await markets.coupled(session, market), now=now())

    for change in ({"energy_ukwh": 2 * KWH}, {"accepts": Acceptance.LOCAL}, {"minimum_fill_ukwh": KWH}):
        changed = replace(read, open=(replace(read.open[0], **change),))
        assert changed.digest != read.digest
