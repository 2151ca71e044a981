"""Amending orders over GraphQL: the new order, the old one, their place and money, and what is refused."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.market.orders.tables import Order, OrderStatus
from tests.api.conftest import Execute
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order

AMEND = """
mutation Amend($input: AmendOrderInput!) { amendOrder(input: $input) {
  order { id energyKwh limitPrice minimumFillKwh status held replaces { id status held } }
  errors { __typename code path
    ... on OrderClosed { status } ... on InsufficientFunds { required available } ... on IdempotencyConflict { key } }
} }
"""


def amending(order: UUID, key: str = "an amendment", **terms: Any) -> dict[str, Any]:
    return {"id": global_id("Order", order), "idempotencyKey": key, **terms}


async def place_of(session: AsyncSession, order: str) -> int:
    found = select(Order.sequence).where(Order.id == UUID(order.partition(":")[2]))
    return (await session.execute(found)).scalar_one()


async def test_an_amended_order_replaces_the_old_one_once_per_key(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)
    order = await an_order(session, owner, market, BUY, "2", "0.20")

    first = await execute(AMEND, owner, input=amending(order, limitPrice="0.25"))
    again = await execute(AMEND, owner, input=amending(order, limitPrice="0.25"))
    other = await execute(AMEND, owner, input=amending(order, limitPrice="0.26"))

    made = first.data["amendOrder"]["order"]
    assert again.data["amendOrder"]["order"] == made
    assert made.pop("id") != global_id("Order", order)
    assert made == {
        "energyKwh": "2",
        "limitPrice": "0.25",
        "minimumFillKwh": "0",
        "status": "OPEN",
        "held": "0.5",
        "replaces": {"id": global_id("Order", order), "status": "CANCELLED", "held": "0"},
    }
    (conflict,) = other.refusals("amendOrder")
    assert (conflict["code"], conflict["key"]) == ("IDEMPOTENCY_KEY_REUSED", "an amendment")
    assert await session.scalar(select(func.count()).select_from(Order)) == 2


@pytest.mark.parametrize(
    ("terms", "keeps_its_place"),
    [({"energyKwh": "1"}, True), ({"energyKwh": "3"}, False), ({"limitPrice": "0.3"}, False)],
)
async def test_only_who_asks_for_less_keeps_the_place_in_time(
    session: AsyncSession, execute: Execute, terms: dict[str, Any], keeps_its_place: bool
) -> None:
    owner, market = await a_trader(session), await a_market(session)
    order = await an_order(session, owner, market, BUY, "2")
    before = await place_of(session, global_id("Order", order))

    answer = await execute(AMEND, owner, input=amending(order, **terms))

    after = await place_of(session, answer.data["amendOrder"]["order"]["id"])
    assert (after == before) is keeps_its_place
    assert after >= before


async def test_only_what_is_open_is_amended(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)
    order = await an_order(session, owner, market, BUY, "2", "0.20", delivery=a_delivery(0, 2))
    await an_order(session, await a_trader(session), market, SELL, "2", "0.20")
    await clear(session, market)

    answer = await execute(AMEND, owner, input=amending(order, limitPrice="0.10"))

    made = answer.data["amendOrder"]["order"]
    assert (made["energyKwh"], made["held"]) == ("2", "0.2")  # Of the second interval alone.


async def test_a_closed_order_is_not_amended(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)
    order = await an_order(session, owner, market, BUY)
    await an_order(session, await a_trader(session), market, SELL)
    await clear(session, market)

    answer = await execute(AMEND, owner, input=amending(order, energyKwh="0.5"))

    closed = {"__typename": "OrderClosed", "code": "ORDER_CLOSED", "path": ["id"], "status": "FILLED"}
    assert answer.refusals("amendOrder") == [closed]


async def test_the_order_of_another_is_none(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    order = await an_order(session, await a_trader(session), market, BUY)

    answer = await execute(AMEND, await a_trader(session), input=amending(order, energyKwh="0.5"))

    (refused,) = answer.refusals("amendOrder")
    assert refused["code"] == "NOT_FOUND"
    assert (await session.get_one(Order, order, populate_existing=True)).status is OrderStatus.OPEN


async def test_what_is_refused_leaves_the_old_order_as_it_was(session: AsyncSession, execute: Execute) -> None:
    """Its money counts for the new one, since it is released first."""
    owner, market = await a_trader(session, "1"), await a_market(session)
    order = await an_order(session, owner, market, BUY, "4", "0.25")

    refused = await execute(AMEND, owner, input=amending(order, energyKwh="5"))
    fitting = await execute(AMEND, owner, input=amending(order, "another", energyKwh="5", limitPrice="0.2"))

    error = {"__typename": "InsufficientFunds", "code": "INSUFFICIENT_FUNDS", "path": None}
    assert refused.refusals("amendOrder") == [error | {"required": "1.25", "available": "1"}]
    assert fitting.refusals("amendOrder") == []
    assert fitting.data["amendOrder"]["order"]["held"] == "1"
    assert await session.scalar(select(func.count()).select_from(Order)) == 2
