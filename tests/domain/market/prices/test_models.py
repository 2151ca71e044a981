"""Model prices: what they are made of, that their parts add up, and who may set them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.market.prices import models
from domain.market.prices import tariffs as grid_tariffs
from domain.market.prices.calendars import Calendar, DayKind, Tier
from domain.market.prices.model_prices import (
    Circumstances,
    Flow,
    Model,
    ModelPrice,
    PartKind,
    PricePart,
    Rate,
    price_of,
)
from domain.market.prices.models import WeightsDoNotAddUp
from domain.market.prices.tables import GridDirection, GridTariff, PriceModel
from domain.market.prices.tariffs import BeginsOutOfRange
from tests.factories.market import ADMIN, BUY, SELL, a_market, a_trader, a_zone, an_order, first_delivery
from tests.factories.prices import UTC_CALENDAR, a_clearing, a_price_model, grid_prices, some_terms, weights

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PEAK = Tier("peak", 30_000, (DayKind.WEEKDAY,), from_minute=8 * 60, to_minute=20 * 60)
RATES = {Rate.SUPPLY_DEMAND_RATIO: 100_001, Rate.MID_MARKET_RATE: 200_000, Rate.CROSSING_VALUE: 150_000}


def made(circumstances: Circumstances, **terms: Any) -> ModelPrice:
    model = Model(new_id(), new_id(), MONDAY_NOON, some_terms(**terms))
    return price_of(model, MONDAY_NOON, circumstances)


def test_rates_are_weighted() -> None:
    price = made(Circumstances(RATES), weights_ppm=weights(ratio=500_000, mid=250_000, crossing=250_000))

    assert price.price_ueur_per_kwh == 137_500  # 50,000.5 + 50,000 + 37,500, rounded half-even.
    assert price.parts == (
        PricePart(PartKind.SUPPLY_DEMAND_RATIO, 50_000, 100_001, 500_000),
        PricePart(PartKind.MID_MARKET_RATE, 50_000, 200_000, 250_000),
        PricePart(PartKind.CROSSING_VALUE, 37_500, 150_000, 250_000),
    )


def test_an_empty_book_has_the_last_cleared_price_and_else_the_middle_of_the_grids() -> None:
    grid: dict[str, Any] = {"import_ueur_per_kwh": 300_000, "export_ueur_per_kwh": 80_001}

    assert made(Circumstances({}, 120_000, **grid)).parts == (PricePart(PartKind.LAST_CLEARED, 120_000),)
    assert made(Circumstances({}, None, **grid)).parts == (PricePart(PartKind.GRID_MIDDLE, 190_000),)


@pytest.mark.parametrize("known", [{}, {"import_ueur_per_kwh": 300_000}, {"export_ueur_per_kwh": 1}])
def test_where_nothing_is_known_there_is_no_price(known: dict[str, Any]) -> None:
    price = made(Circumstances({}, None, **known), tiers=(PEAK,))

    assert (price.price_ueur_per_kwh, price.parts) == (None, ())


def test_a_tier_is_added() -> None:
    price = made(Circumstances(RATES), tiers=(PEAK,))

    assert price.price_ueur_per_kwh == 230_000
    assert price.parts[-1] == PricePart(PartKind.TIER, 30_000, tier="peak")


@pytest.mark.parametrize(
    ("flow", "part", "share"),
    [
        (Flow(9_000, 10_000, 0), 20_000, 900_000),
        (Flow(10_000, 10_000, 0), 40_000, 1_000_000),
        (Flow(15_000, 10_000, 0), 40_000, 1_000_000),  # No more than full.
        (Flow(-9_000, 0, 10_000), -20_000, 900_000),
    ],
)
def test_full_links_raise_the_price_where_energy_comes_in_and_lower_it_where_it_leaves(
    flow: Flow, part: int, share: int
) -> None:
    price = made(Circumstances(RATES, flow=flow), congestion_ueur_per_kwh=40_000)

    assert price.parts[-1] == PricePart(PartKind.CONGESTION, part, share_ppm=share)
    assert price.price_ueur_per_kwh == 200_000 + part


@pytest.mark.parametrize(
    "flow", [Flow(8_000, 10_000, 0), Flow(9_000, 0, 10_000), Flow(0, 0, 0), Flow(-9_000, 9_000, 0)]
)
def test_links_that_are_not_full_add_nothing(flow: Flow) -> None:
    price = made(Circumstances(RATES, flow=flow), congestion_ueur_per_kwh=40_000)

    assert [part.kind for part in price.parts] == [PartKind.MID_MARKET_RATE]


def test_the_price_stays_between_what_the_grid_pays_and_takes() -> None:
    low = Circumstances(RATES, import_ueur_per_kwh=300_000, export_ueur_per_kwh=210_000)
    high = Circumstances(RATES, import_ueur_per_kwh=150_000, export_ueur_per_kwh=100_000)

    assert made(low).parts[-1] == PricePart(PartKind.FLOOR, 10_000, 210_000)
    assert made(high).parts[-1] == PricePart(PartKind.CAP, -50_000, 150_000)
    assert made(low, has_floor=False).price_ueur_per_kwh == 200_000
    assert made(high, has_cap=False).price_ueur_per_kwh == 200_000


PRICES = st.integers(-4_000_000, 4_000_000)


@given(
    rates=st.tuples(PRICES, PRICES, PRICES),
    cuts=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(sorted),
    bounds=st.tuples(st.none() | PRICES, st.none() | PRICES),
    flow=st.builds(Flow, st.integers(-100, 100), st.integers(0, 100), st.integers(0, 100)),
    adder=st.integers(0, 4_000_000),
)
def test_the_parts_add_up_to_the_price(rates: Any, cuts: Any, bounds: Any, flow: Flow, adder: int) -> None:
    shares = weights(cuts[0], cuts[1] - cuts[0], 10**6 - cuts[1])
    circumstances = Circumstances(dict(zip(Rate, rates, strict=True)), None, flow, *bounds)

    price = made(circumstances, weights_ppm=shares, tiers=(PEAK,), congestion_ueur_per_kwh=adder)

    exact = sum(rate * shares[kind] for kind, rate in zip(Rate, rates, strict=True))
    weighted = sum(part.part_ueur_per_kwh for part in price.parts if part.kind.value in {rate.value for rate in Rate})
    assert abs(weighted * 10**6 - exact) * 2 <= 10**6
    assert price.price_ueur_per_kwh == sum(part.part_ueur_per_kwh for part in price.parts)
    if bounds[0] is not None:
        assert price.price_ueur_per_kwh <= bounds[0]
    elif bounds[1] is not None:
        assert price.price_ueur_per_kwh >= bounds[1]


async def test_what_prices_are_made_of_is_read_together(session: AsyncSession) -> None:
    market, other = await a_market(session), await a_market(session)
    start = first_delivery()
    model = await a_price_model(session, market, tiers=(PEAK,), calendar=Calendar("Europe/Rome"))
    await grid_prices(session, market, "0.3", "0.08")
    for side, kwh, price in ((BUY, "1", "0.1"), (BUY, "2", "0.1"), (SELL, "1", "0.2")):
        await an_order(session, await a_trader(session), market, side, kwh, price)
    await a_clearing(session, market, start, "0.11", created_at=datetime.now(UTC) - timedelta(hours=1))
    await a_clearing(session, market, start, "0.12", bought_ukwh=3_000, sold_ukwh=1_000)

    read = await models.read(await session.connection(), [(market, start), (other, start)])

    assert read.models == [model]
    assert read.model_at((other, start)) is None
    assert [
        (level.side, level.limit_price_ueur_per_kwh, level.energy_ukwh) for level in read.levels[market, start]
    ] == [
        (BUY, 100_000, 3_000_000),
        (SELL, 200_000, 1_000_000),
    ]
    assert (other, start) not in read.levels
    assert read.circumstances((market, start), {}) == Circumstances({}, 120_000, Flow(2_000, 0, 0), 300_000, 80_000)
    assert read.circumstances((other, start), {}) == Circumstances()


async def test_the_newest_of_the_latest_models_holds(session: AsyncSession) -> None:
    market, now = await a_market(session), datetime.now(UTC)
    connection = await session.connection()
    rows = [(timedelta(0), 1), (timedelta(hours=2), 2), (timedelta(hours=2), 3), (timedelta(hours=1), 4)]
    for later, adder in rows:
        terms = some_terms(congestion_ueur_per_kwh=adder)
        begins = now + later
        await models.set_model(session, ADMIN, market_id=market, terms=terms, valid_from=begins, now=now)

    async def at(hours: float) -> int | None:
        instant = now + timedelta(hours=hours)
        found = await models.models(connection, [market], instant, instant)
        return found[-1].terms.congestion_ueur_per_kwh if found else None

    assert [await at(hours) for hours in (-0.1, 0, 0.9, 1, 1.9, 2, 9)] == [None, 1, 1, 4, 4, 3, 3]
    held = await models.models(connection, [market], now, now + timedelta(hours=9))
    assert [model.terms.congestion_ueur_per_kwh for model in held] == [1, 4, 2, 3]


async def test_a_model_is_set_by_administrators_and_the_operator_of_the_zone_and_written_down(
    session: AsyncSession,
) -> None:
    zone = await a_zone(session)
    market, now = await a_market(session, zone), datetime.now(UTC)
    operator = Viewer(user_id=new_id(), operated_zone_ids=frozenset({zone}))
    stranger = Viewer(user_id=new_id(), operated_zone_ids=frozenset({await a_zone(session)}))

    model = await models.set_model(
        session, operator, market_id=market, terms=some_terms(tiers=(PEAK,)), valid_from=None, now=now
    )
    with pytest.raises(NotAllowed):
        await models.set_model(session, stranger, market_id=market, terms=some_terms(), valid_from=None, now=now)

    stored = await models.models(await session.connection(), [market], now, now)
    assert stored == [model]
    act = select(AuditEntry.act, AuditEntry.actor, AuditEntry.subject_id).where(AuditEntry.act == "price_model.set")
    assert (await session.execute(act)).all() == [("price_model.set", operator.key, model.id)]


@pytest.mark.parametrize(
    ("terms", "refusal", "path"),
    [
        ({"weights_ppm": weights(mid=999_999)}, WeightsDoNotAddUp, None),
        ({"weights_ppm": weights(mid=1_000_001, ratio=-1)}, InvalidValue, ("supplyDemandRatioWeight",)),
        ({"compensation_ppm": 1_000_001}, InvalidValue, ("compensation",)),
        ({"divider_ppm": -1}, InvalidValue, ("divider",)),
        ({"congestion_from_ppm": 1_000_000}, InvalidValue, ("congestionFrom",)),
        ({"congestion_ueur_per_kwh": -1}, InvalidValue, ("congestionAdder",)),
        ({"congestion_ueur_per_kwh": 4_000_001}, InvalidValue, ("congestionAdder",)),
        ({"calendar": Calendar("nowhere")}, InvalidValue, ("timezone",)),
    ],
)
async def test_terms_that_make_no_price_are_refused(
    session: AsyncSession, terms: dict[str, Any], refusal: type[DomainError], path: Any
) -> None:
    market = await a_market(session)

    with pytest.raises(refusal) as refused:
        await a_price_model(session, market, **terms)

    assert getattr(refused.value, "path", None) == path
    assert await session.scalar(select(func.count()).select_from(PriceModel)) == 0


async def test_what_was_is_not_changed(session: AsyncSession) -> None:
    zone = await a_zone(session)
    market, now = await a_market(session, zone), datetime.now(UTC)
    common: dict[str, Any] = {"price_ueur_per_kwh": 1, "calendar": UTC_CALENDAR, "tiers": ()}

    for begins in (now - timedelta(seconds=1), now + timedelta(days=1_100)):
        with pytest.raises(BeginsOutOfRange):
            await models.set_model(session, ADMIN, market_id=market, terms=some_terms(), valid_from=begins, now=now)
        with pytest.raises(BeginsOutOfRange):
            await grid_tariffs.set_tariff(
                session, ADMIN, zone_id=zone, direction=GridDirection.IMPORT, valid_from=begins, now=now, **common
            )

    assert await session.scalar(select(func.count()).select_from(PriceModel)) == 0
    assert await session.scalar(select(func.count()).select_from(GridTariff)) == 0


async def test_models_and_tariffs_of_what_is_not_there_are_refused(session: AsyncSession) -> None:
    now = datetime.now(UTC)

    with pytest.raises(NotFound):
        await a_price_model(session, new_id())
    with pytest.raises(NotFound):
        await grid_tariffs.set_tariff(
            session,
            ADMIN,
            zone_id=new_id(),
            direction=GridDirection.EXPORT,
            price_ueur_per_kwh=1,
            calendar=UTC_CALENDAR,
            tiers=(),
            valid_from=None,
            now=now,
        )


async def test_a_tariff_has_its_own_price_at_some_hours(session: AsyncSession) -> None:
    market, now = await a_market(session), datetime(2026, 11, 23, tzinfo=UTC)
    zone = (await session.execute(text("SELECT zone_id FROM market WHERE id = :id"), {"id": market})).scalar_one()
    await grid_prices(session, market, "0.3", "0.08", now, tiers=(PEAK,))

    tariffs = await grid_tariffs.holding(await session.connection(), [zone], now, now + timedelta(days=1))

    at = [now + timedelta(hours=hours) for hours in (7, 8, 20)]
    assert [grid_tariffs.price_at(tariffs, zone, GridDirection.IMPORT, each) for each in at] == [
        300_000,
        30_000,
        300_000,
    ]
    assert grid_tariffs.price_at(tariffs, zone, GridDirection.EXPORT, now - timedelta(seconds=1)) is None


@pytest.mark.parametrize("table", ["price_model", "price_tier", "grid_tariff", "tariff_tier", "price_forecast"])
async def test_history_is_kept(session: AsyncSession, table: str) -> None:
    for act in (
        f"UPDATE {table} SET {'rank = 1' if 'tier' in table else 'created_at = now()'}",
        f"DELETE FROM {table}",
    ):
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text(act))
