"""The record of a clearing over GraphQL."""

import json

from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.market.orders.tables import Acceptance, OrderFilling
from domain.market.places.tables import EnergySource
from tests.api.conftest import Execute
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order

RECORD = """
query Record($id: ID!) { node(id: $id) { ... on Market { clearings { edges { node {
  price surplus bound congestionRent classPrices { accepts price } parameters } } } } } }
"""
WHY = """
query Why($id: ID!) { node(id: $id) { ... on Order { explanation { reason price filledKwh } } } }
"""


async def test_a_record_tells_what_was_cleared_but_not_whose_orders(session: AsyncSession, execute: Execute) -> None:
    market, viewer = await a_market(session), await a_trader(session)
    await an_order(session, await a_trader(session), market, BUY, "5", "0.30", accepts=Acceptance.GREEN)
    await an_order(session, await a_trader(session), market, BUY, "5", "0.25")
    await an_order(session, await a_trader(session), market, SELL, "4", "0.10", source=EnergySource.WIND)
    whole = await an_order(session, viewer, market, SELL, "9", "0.12", minimum_fill_ukwh=9_000_000)
    await an_order(session, await a_trader(session), market, SELL, "9", "0.15")
    await clear(session, market)

    shown = await execute(RECORD, viewer, id=global_id("Market", market))
    why = await execute(WHY, viewer, id=global_id("Order", whole))

    (edge,) = shown.data["node"]["clearings"]["edges"]
    parameters = json.loads(edge["node"].pop("parameters"))
    assert sorted(parameters) == ["links", "market_version", "objective_ueur", "pricing", "solver_version"]
    green = [{"accepts": name, "price": "0.3"} for name in ("BIOMASS", "GREEN", "HYDRO", "SOLAR", "WIND")]
    assert edge["node"] == {
        "price": "0.15",
        "surplus": "1.3",  # 4 x (0.30 - 0.10) + 5 x (0.25 - 0.15)
        "bound": "1.45",
        "congestionRent": "0",
        "classPrices": green,
    }
    assert why.data["node"]["explanation"] == [{"reason": "MINIMUM_FILL", "price": "0.15", "filledKwh": "0"}]


async def test_a_flexible_order_is_told_where_it_traded(session: AsyncSession, execute: Execute) -> None:
    market, viewer = await a_market(session), await a_trader(session)
    terms = {"delivery": a_delivery(0, 2), "filling": OrderFilling.FLEXIBLE}
    buy = await an_order(session, viewer, market, BUY, "1", "0.30", **terms)
    await an_order(session, await a_trader(session), market, SELL, "1", "0.30", delivery=a_delivery(1))
    await clear(session, market)

    why = await execute(WHY, viewer, id=global_id("Order", buy))

    assert why.data["node"]["explanation"] == [
        {"reason": "FILLED_ELSEWHERE", "price": None, "filledKwh": "0"},
        {"reason": "FILLED", "price": "0.3", "filledKwh": "1"},
    ]
