"""A rule run over the past: by the readings and prices of then, beside what the grid would have paid."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.market.rules.bridge import simulate
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound
from domain.kernel.intervals import Period, local_day
from domain.market.clearing.tables import Clearing
from domain.market.places.tables import ChargeKind, MarketCharge, OrderSide
from domain.market.rules import simulations
from domain.market.rules.simulations import GridPrices
from domain.market.rules.tables import RuleKind, TradingRuleSimulation
from domain.metering.tables import Direction, MeteringPoint
from tests.factories.identity import a_viewer
from tests.factories.market import a_market
from tests.factories.rules import NOW, ZONE, a_rule, an_owner, days_before, metered

INJECTED, WITHDRAWN = Direction.INJECTED, Direction.WITHDRAWN
YESTERDAY = NOW.date() - timedelta(days=1)
PERIOD = local_day(YESTERDAY, ZoneInfo(ZONE))
NOON = datetime(2026, 6, 19, 10, tzinfo=UTC)
GRID = GridPrices(import_ueur_per_kwh=300_000, export_ueur_per_kwh=60_000)


async def a_seller(session: AsyncSession) -> tuple[Viewer, MeteringPoint]:
    """Injects 1 kWh in each quarter-hour before yesterday, and 0.8 kWh yesterday."""
    owner, point = await an_owner(session)
    await metered(session, point, INJECTED, days_before(YESTERDAY, 8), "1")
    await metered(session, point, INJECTED, [YESTERDAY], "0.8")
    return owner, point


async def cleared(session: AsyncSession, market: UUID, start: datetime, price: int, kwh: float, batch: int = 1) -> None:
    """A clearing of the past."""
    energy = int(kwh * 1_000_000)
    prices = {f"price{name}_ueur_per_kwh": price for name in ("", "_low", "_high")}
    facts: dict[str, Any] = {"bought_ukwh": energy, "sold_ukwh": energy, "welfare_ueur": 0, "orders_count": 2}
    session.add(Clearing(market_id=market, delivery_start=start, batch=batch, input_digest="x", **prices, **facts))
    await session.flush()


async def simulated(session: AsyncSession, rule_id: UUID, grid: GridPrices = GRID) -> TradingRuleSimulation:
    read = await simulations.read(session, rule_id, PERIOD, grid)
    made = await simulations.record(session, read, simulate(read), actor="test")
    return await session.get_one(TradingRuleSimulation, made)


async def test_a_rule_gets_the_prices_of_the_past_for_what_was_metered(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    market = await a_market(session)
    quarters = [NOON + number * timedelta(minutes=15) for number in range(4)]
    await cleared(session, market, quarters[0], 150_000, 5)
    await cleared(session, market, quarters[1], 90_000, 5)  # Below the limit.
    await cleared(session, market, quarters[2], 200_000, 0.3)  # Little was traded.
    rule_id = await a_rule(session, owner, market, is_active=False, hours=(12,))

    made = await simulated(session, rule_id)

    assert (made.period_start, made.period_end) == (PERIOD.start, PERIOD.end)
    sums = (made.orders_count, made.offered_ukwh, made.filled_ukwh, made.delivered_ukwh)
    assert sums == (4, 4_000_000, 1_300_000, 1_100_000)
    assert [(each["price_ueur_per_kwh"], each["delivered_ukwh"], each["amount_ueur"]) for each in made.orders] == [
        (150_000, 800_000, 120_000),
        (90_000, 0, 0),
        (200_000, 300_000, 60_000),
        (None, 0, 0),
    ]
    assert (made.amount_ueur, made.grid_amount_ueur) == (180_000, 66_000)


async def test_charges_vat_and_the_penalty_for_falling_short_are_those_of_the_market(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    market = await a_market(session, penalty_ueur_per_kwh=50_000)
    session.add(
        MarketCharge(
            market_id=market,
            kind=ChargeKind.FEE,
            payer=OrderSide.SELL,
            rate_ueur_per_kwh=10_000,
            vat_ppm=200_000,
            valid_from=NOON - timedelta(days=1),
        )
    )
    await cleared(session, market, NOON, 150_000, 5)
    rule_id = await a_rule(session, owner, market, hours=(12,))

    made = await simulated(session, rule_id)

    # 0.8 kWh at 0.15 less a fee of 0.01 with 20 % VAT; 0.2 kWh short at 0.05.
    assert made.amount_ueur == 120_000 - 9_600 - 10_000


async def test_a_rule_that_buys_is_compared_with_what_the_grid_costs(session: AsyncSession) -> None:
    owner, point = await an_owner(session)
    await metered(session, point, WITHDRAWN, days_before(NOW.date(), 9), "0.5")
    market = await a_market(session)
    await cleared(session, market, NOON, 80_000, 5)
    rule_id = await a_rule(session, owner, market, RuleKind.BUY_BELOW, hours=(12,))

    made = await simulated(session, rule_id)

    assert (made.delivered_ukwh, made.amount_ueur, made.grid_amount_ueur) == (500_000, -40_000, -150_000)


async def test_without_a_tariff_nothing_is_compared(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    market = await a_market(session)
    await cleared(session, market, NOON, 150_000, 5)
    rule_id = await a_rule(session, owner, market, hours=(12,))

    made = await simulated(session, rule_id, GridPrices())

    assert (made.amount_ueur, made.grid_amount_ueur) == (120_000, None)


async def test_forecasts_are_those_of_then(session: AsyncSession) -> None:
    """A day ahead, only the days before the day before were complete."""
    owner, point = await an_owner(session)
    await metered(session, point, INJECTED, days_before(YESTERDAY - timedelta(days=1), 8), "1")
    await metered(session, point, INJECTED, [YESTERDAY - timedelta(days=1), YESTERDAY], "3")
    market = await a_market(session)
    ahead = await a_rule(session, owner, market, hours=(12,), lookahead_hours=24)
    late = await a_rule(session, owner, market, hours=(12,), lookahead_hours=1)

    offered = [(await simulated(session, rule_id)).orders[0]["offered_ukwh"] for rule_id in (ahead, late)]

    assert offered == [1_000_000, 1_285_000]


async def test_active_reserves_are_kept_in_the_past_too(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    market = await a_market(session)
    reserve: dict[str, Any] = {"hours": (12,), "reserve_ppm": None, "reserve_ukwh": 1_500_000}
    await a_rule(session, owner, market, RuleKind.KEEP_BATTERY_RESERVE, **reserve)
    rule_id = await a_rule(session, owner, market, hours=(12,))

    made = await simulated(session, rule_id)

    assert [each["offered_ukwh"] for each in made.orders] == [500_000, 1_000_000, 1_000_000]


async def test_the_same_question_has_one_answer(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    rule_id = await a_rule(session, owner, await a_market(session))

    first, second = await simulated(session, rule_id), await simulated(session, rule_id)

    assert first.id == second.id
    count = select(func.count()).where(TradingRuleSimulation.rule_id == rule_id)
    assert (await session.execute(count)).scalar_one() == 1


async def test_a_simulation_is_asked_for_once_while_it_is_on_its_way(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    rule_id = await a_rule(session, owner, await a_market(session), is_active=False)

    first = await simulations.ask(session, owner, rule_id, PERIOD, GRID, now=NOW)
    again = await simulations.ask(session, owner, rule_id, PERIOD, GRID, now=NOW)
    other = await simulations.ask(session, owner, rule_id, PERIOD, GridPrices(), now=NOW)

    assert first == again != other
    assert (await session.get_one(Job, first)).owner_id == owner.user_id


def a_period(first: date, days: int) -> Period:
    zone = ZoneInfo(ZONE)
    return Period(local_day(first, zone).start, local_day(first + timedelta(days=days - 1), zone).end)


@pytest.mark.parametrize(
    ("period", "path"),
    [
        (Period(NOON, NOON + timedelta(days=1)), "period"),
        (a_period(NOW.date(), 1), "period"),
        (a_period(NOW.date() - timedelta(days=93), 93), "period"),
    ],
    ids=["no whole days", "today", "93 days"],
)
async def test_a_period_is_made_of_whole_past_days(session: AsyncSession, period: Period, path: str) -> None:
    owner, _ = await a_seller(session)
    rule_id = await a_rule(session, owner, await a_market(session))

    with pytest.raises(InvalidValue) as refused:
        await simulations.ask(session, owner, rule_id, period, GRID, now=NOW)

    assert refused.value.path == (path,)
    assert (await session.execute(select(func.count(Job.id)))).scalar_one() == 0


async def test_only_the_owner_simulates_a_rule_that_trades(session: AsyncSession) -> None:
    owner, _ = await a_seller(session)
    market = await a_market(session)
    rule_id = await a_rule(session, owner, market)
    reserve = await a_rule(session, owner, market, RuleKind.KEEP_BATTERY_RESERVE)
    application = Viewer(user_id=owner.user_id, api_key_id=rule_id, scopes=frozenset({"read"}))

    with pytest.raises(NotFound):
        await simulations.ask(session, a_viewer(), rule_id, PERIOD, GRID, now=NOW)
    with pytest.raises(NotAllowed):
        await simulations.ask(session, application, rule_id, PERIOD, GRID, now=NOW)
    with pytest.raises(InvalidValue):
        await simulations.ask(session, owner, reserve, PERIOD, GRID, now=NOW)
    with pytest.raises(InvalidValue):
        await simulations.ask(session, owner, rule_id, PERIOD, GridPrices(10**9), now=NOW)

    assert (await session.execute(select(func.count(Job.id)))).scalar_one() == 0
