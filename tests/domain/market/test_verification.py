"""Every rule of the verification notices when it is broken."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import checks
from domain.market.clearing import verification as clearing_verification
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders import verification as orders_verification
from domain.market.orders.tables import Acceptance, Order, OrderFilling, OrderInterval, OrderStatus
from domain.market.statements import verification as statements_verification
from domain.market.statements.tables import AccountStatement, StatementKind
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, SELL, a_market, a_trader, an_order, now

FILL, BOUNDS, MINIMUM, SUM, STATUS, HELD = orders_verification.RULES
BATCH, PRICE, ACCEPTED, WELFARE, SIDES, RANGE = clearing_verification.RULES
(STATED,) = statements_verification.RULES


async def broken(session: AsyncSession) -> set[str]:
    """The rules that are broken."""
    return {breach.partition(": ")[0] async for breach in checks()["I1 energy, market"](session)}


@pytest.fixture
async def trade(session: AsyncSession) -> Trade:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY, "2", "0.3")
    await an_order(session, await a_trader(session), market, SELL, "1", "0.1")
    await clear(session, market)
    assert await broken(session) == set()
    return (await session.scalars(select(Trade))).one()


async def copied(session: AsyncSession, table: Any, **changes: Any) -> None:
    row = (await session.execute(select(*table.__table__.columns))).mappings().first()
    assert row is not None
    kept = {name: value for name, value in row.items() if name != "id"}
    await session.execute(insert(table).values(kept | changes))


@pytest.mark.parametrize(
    ("table", "changes", "rules"),
    [
        (OrderInterval, {"filled_ukwh": 999_000}, {FILL, SUM}),
        (OrderInterval, {"is_open": False}, {STATUS}),
        (Order, {"filled_ukwh": 999_000}, {SUM}),
        (Order, {"status": OrderStatus.OPEN}, {STATUS}),
        (Order, {"status": OrderStatus.FILLED}, {STATUS}),
        (Order, {"closed_at": now(), "held_ueur": 0}, {STATUS, HELD}),
        (Order, {"limit_price_ueur_per_kwh": 299_900}, {PRICE}),
        (Order, {"side": SELL}, {SIDES}),
        (Order, {"minimum_fill_ukwh": 2_000_000}, {MINIMUM}),
        (Order, {"filling": OrderFilling.FLEXIBLE, "energy_ukwh": 500_000}, {BOUNDS, SUM, STATUS}),
        (Order, {"accepts": Acceptance.GREEN}, {ACCEPTED}),
    ],
)
async def test_notices_an_edited_buy_order(
    session: AsyncSession, trade: Trade, table: Any, changes: dict[str, Any], rules: set[str]
) -> None:
    key = Order.id if table is Order else OrderInterval.order_id

    await session.execute(update(table).where(key == trade.buy_order_id).values(changes))

    assert await broken(session) == rules


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, {FILL, BATCH}),
        ({"price_ueur_per_kwh": 300_100}, {FILL, BATCH, PRICE}),
        ({"seller_price_ueur_per_kwh": 99_900}, {FILL, BATCH, PRICE}),
    ],
)
async def test_notices_a_trade_that_no_clearing_made(
    session: AsyncSession, trade: Trade, changes: dict[str, Any], rules: set[str]
) -> None:
    await copied(session, Trade, **changes)

    assert await broken(session) == rules


async def test_notices_an_owner_that_traded_with_itself(session: AsyncSession, trade: Trade) -> None:
    await copied(session, Trade, seller_id=trade.buyer_id)

    assert SIDES in await broken(session)


@pytest.mark.parametrize("changes", [{"bound_ueur": 199_000}, {"congestion_rent_ueur": 2}])
async def test_notices_a_welfare_beyond_its_bound(session: AsyncSession, trade: Trade, changes: dict[str, Any]) -> None:
    await copied(session, Clearing, batch=1, **changes)

    assert await broken(session) == {BATCH, WELFARE}


async def test_notices_a_pair_priced_by_another_rule(session: AsyncSession, trade: Trade) -> None:
    await copied(session, Clearing, batch=1, parameters={"pricing": "PAY_AS_BID"})
    by_rule = select(Clearing.id).where(Clearing.batch == 1).scalar_subquery()

    await copied(session, Trade, clearing_id=by_rule, price_ueur_per_kwh=200_000, seller_price_ueur_per_kwh=200_000)

    assert PRICE in await broken(session)


async def test_notices_an_order_that_holds_what_its_owner_does_not(session: AsyncSession, trade: Trade) -> None:
    await session.execute(update(Order).where(Order.id == trade.buy_order_id).values(held_ueur=Order.held_ueur + 1))

    assert await broken(session) == {HELD}


async def test_notices_a_statement_that_is_not_the_sum_of_its_lines(session: AsyncSession, trade: Trade) -> None:
    stated = AccountStatement(
        user_id=trade.buyer_id,
        kind=StatementKind.STATEMENT,
        month=date(2026, 1, 1),
        timezone="UTC",
        net_cents=1,
        vat_cents=0,
        total_cents=1,
        ledger_ueur=10_000,
        rounding_ueur=0,
        made_at=now(),
    )
    session.add(stated)
    await session.flush()

    assert await broken(session) == {STATED}


async def test_notices_a_clearing_without_trades(session: AsyncSession, trade: Trade) -> None:
    await copied(session, Clearing, batch=1)

    assert await broken(session) == {BATCH}


async def test_notices_a_price_that_does_not_balance(session: AsyncSession, trade: Trade) -> None:
    await copied(session, Clearing, batch=1, bought_ukwh=0, sold_ukwh=0, price_high_ueur_per_kwh=1)

    assert await broken(session) == {RANGE}


async def test_notices_a_fill_beyond_the_energy_offered_where_the_constraint_was_lost(
    session: AsyncSession,
) -> None:
    await an_order(session, await a_trader(session), await a_market(session), BUY)
    too_much = update(OrderInterval).values(filled_ukwh=OrderInterval.energy_ukwh + 1)
    with pytest.raises(IntegrityError, match="ck_order_interval_filled"):
        async with session.begin_nested():
            await session.execute(too_much)
    await session.execute(text("SET LOCAL ROLE NONE"))
    await session.execute(text("ALTER TABLE order_interval DROP CONSTRAINT ck_order_interval_filled"))

    await session.execute(too_much)

    assert BOUNDS in await broken(session)


async def test_every_rule_is_a_query_that_answers(session: AsyncSession) -> None:
    for query in (orders_verification.RULES | clearing_verification.RULES | statements_verification.RULES).values():
        assert (await session.execute(text(query))).all() == []
