"""A person's own trading, by local days, weeks and months: exact sums, beside the grid's tariffs."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period
from domain.kernel.quantities import amount_ueur
from domain.market.delivery.tables import TradeDelivery
from domain.market.prices.calendars import Tier
from domain.market.view import history
from domain.market.view.history import Bucket, Span, Sums
from tests.factories.market import a_market, a_trader
from tests.factories.prices import a_trade, grid_prices
from tests.factories.rules import ZONE, an_owner

LOCAL = ZoneInfo(ZONE)
MARCH = Period(datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))


def at(*local: int) -> datetime:
    """An instant by the clocks of Luxembourg."""
    return datetime(*local, tzinfo=LOCAL).astimezone(UTC)  # type: ignore[arg-type, misc]


async def asked(
    session: AsyncSession, viewer: Viewer, period: Period = MARCH, by: Span = Span.MONTH
) -> tuple[Sums, list[Bucket]]:
    return await history.statistics(await session.connection(), viewer, period, by, ZONE)


async def bought(
    session: AsyncSession, market: UUID, viewer: Viewer, start: datetime, *terms: str, **more: Any
) -> UUID:
    return await a_trade(session, market, start, *terms, buyer_id=viewer.user_id, **more)


async def sold(session: AsyncSession, market: UUID, viewer: Viewer, start: datetime, *terms: str, **more: Any) -> UUID:
    return await a_trade(session, market, start, *terms, seller_id=viewer.user_id, **more)


async def test_purchases_and_sales_are_summed_at_their_own_prices(session: AsyncSession) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    await bought(session, market, viewer, at(2026, 3, 10, 12), "0.2", "1.5")
    await bought(session, market, viewer, at(2026, 3, 11, 12), "0.1", "1", seller_price_ueur_per_kwh=90_000)
    await sold(session, market, viewer, at(2026, 3, 12, 12), "0.3", "0.5", seller_price_ueur_per_kwh=250_000)
    await a_trade(session, market, at(2026, 3, 12, 12), "0.3", "7")  # Others'.
    await bought(session, market, viewer, at(2026, 4, 1, 0), "0.2", "9")  # Later.

    total, [month] = await asked(session, viewer)

    expected = Sums(
        bought_ukwh=2_500_000,
        sold_ukwh=500_000,
        paid_ueur=400_000,
        received_ueur=125_000,
        purchases_count=2,
        sales_count=1,
    )
    assert (total, month) == (expected, Bucket(MARCH, expected))
    assert total.net_ukwh == 2_000_000


async def test_savings_and_earnings_are_by_the_tariff_at_the_time_of_delivery(session: AsyncSession) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    evening = Tier("evening", 400_000, from_minute=18 * 60, to_minute=22 * 60)
    since = datetime(2026, 3, 5, tzinfo=UTC)
    await grid_prices(session, market, "0.3", "0.06", now=since, tiers=(evening,))
    await bought(session, market, viewer, at(2026, 3, 2, 12), "0.2", "100")  # Before any tariff.
    await bought(session, market, viewer, at(2026, 3, 10, 12), "0.2", "1")
    await bought(session, market, viewer, datetime(2026, 3, 10, 19, tzinfo=UTC), "0.45", "2")
    await sold(session, market, viewer, at(2026, 3, 10, 12), "0.11", "3")

    total, _ = await asked(session, viewer)

    assert (total.savings_ueur, total.earnings_ueur) == (100_000 - 100_000, 150_000)
    assert total.bought_ukwh == 103_000_000


async def test_what_was_settled_is_that_of_the_last_version(session: AsyncSession) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    trades = [
        await bought(session, market, viewer, at(2026, 3, 10, 12), "0.2", "2"),
        await sold(session, market, viewer, at(2026, 3, 10, 12), "0.2", "1"),
        await sold(session, market, viewer, at(2026, 3, 10, 13), "0.2", "1"),
    ]
    for trade_id, version, delivered in ((trades[0], 1, 900_000), (trades[0], 2, 1_500_000), (trades[1], 1, 800_000)):
        facts = {"seller_short_ukwh": 0, "buyer_short_ukwh": 0, "is_provisional": False, "settled_at": MARCH.end}
        money = {"buyer_paid_ueur": delivered // 4, "seller_received_ueur": delivered // 5}
        row = {"id": new_id(), "trade_id": trade_id, "version": version, "delivered_ukwh": delivered} | facts | money
        await session.execute(insert(TradeDelivery).values(row))

    total, _ = await asked(session, viewer)

    assert (total.delivered_in_ukwh, total.settled_paid_ueur) == (1_500_000, 375_000)
    assert (total.delivered_out_ukwh, total.settled_received_ueur) == (800_000, 160_000)
    assert (total.bought_ukwh, total.sold_ukwh) == (2_000_000, 2_000_000)


async def test_days_and_weeks_are_local_and_cut_to_the_period(session: AsyncSession) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    period = Period(at(2026, 3, 28, 6), at(2026, 3, 31))  # Clocks change on the 29th.
    await bought(session, market, viewer, at(2026, 3, 28, 23, 45), "0.1", "1")
    await bought(session, market, viewer, at(2026, 3, 29, 0), "0.1", "2")
    await bought(session, market, viewer, at(2026, 3, 29, 23, 45), "0.1", "4")
    await bought(session, market, viewer, at(2026, 3, 30, 0), "0.1", "8")

    _, days = await asked(session, viewer, period, Span.DAY)
    _, weeks = await asked(session, viewer, period, Span.WEEK)

    assert [(each.period.start, each.period.end, each.sums.bought_ukwh) for each in days] == [
        (at(2026, 3, 28, 6), at(2026, 3, 29), 1_000_000),
        (at(2026, 3, 29), at(2026, 3, 30), 6_000_000),
        (at(2026, 3, 30), at(2026, 3, 31), 8_000_000),
    ]
    assert days[1].period.end - days[1].period.start == timedelta(hours=23)
    assert [(each.period.start, each.sums.bought_ukwh) for each in weeks] == [
        (at(2026, 3, 28, 6), 7_000_000),
        (at(2026, 3, 30), 8_000_000),
    ]


async def test_buckets_in_which_nothing_was_traded_are_there(session: AsyncSession) -> None:
    viewer = await a_trader(session)

    total, days = await asked(session, viewer, by=Span.DAY)

    assert total == Sums()
    assert ([each.sums for each in days], days[0].period.start) == ([Sums()] * 31, MARCH.start)


@pytest.mark.parametrize(("scopes", "sees"), [({"read"}, True), ({"trade"}, True), ({"readings:write"}, False)])
async def test_applications_see_what_they_see_of_trades(session: AsyncSession, scopes: set[str], sees: bool) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    await bought(session, market, viewer, at(2026, 3, 10, 12), "0.2", "1")
    application = Viewer(user_id=viewer.user_id, api_key_id=market, scopes=frozenset(scopes))

    total, _ = await asked(session, application)

    assert total.purchases_count == (1 if sees else 0)


@pytest.mark.parametrize(
    ("period", "by", "zone", "path"),
    [
        (Period(at(2020, 1, 1), at(2026, 1, 1)), Span.MONTH, ZONE, "period"),
        (Period(at(2024, 1, 1), at(2026, 1, 1)), Span.DAY, ZONE, "period"),
        (MARCH, Span.DAY, "Mars/Olympus", "timezone"),
    ],
    ids=["six years", "731 days by day", "no such zone"],
)
async def test_what_is_too_much_is_refused(
    session: AsyncSession, period: Period, by: Span, zone: str, path: str
) -> None:
    viewer = await a_trader(session)

    with pytest.raises(InvalidValue) as refused:
        await history.statistics(await session.connection(), viewer, period, by, zone)

    assert refused.value.path == (path,)


async def test_the_zone_is_that_of_the_first_metering_point(session: AsyncSession) -> None:
    owner, _ = await an_owner(session)
    nobody = await a_trader(session)

    connection = await session.connection()
    found = [await history.timezone_of(connection, viewer.user_id) for viewer in (owner, nobody)]

    assert found == [ZONE, "UTC"]


@given(st.dates(date(2020, 1, 1), date(2027, 1, 1)), st.integers(1, 380), st.sampled_from(Span))
def test_buckets_cover_the_period_without_gaps(day: date, days: int, by: Span) -> None:
    period = Period(at(day.year, day.month, day.day, 5), at(day.year, day.month, day.day, 5) + timedelta(days=days))

    found = [span for _, span in history.spans(period, by, LOCAL)]

    assert (found[0].start, found[-1].end) == (period.start, period.end)
    assert all(one.end == other.start for one, other in pairwise(found))


async def test_amounts_are_rounded_half_even_in_sql_as_everywhere(session: AsyncSession) -> None:
    energies = [0, 1, 5, 15, 999_999, 10**11, 12_345_678_901]
    prices = [0, 100, 500_000, 1_500_000, -500_000, -1_500_000, 4_000_000, 123_400, -100]
    pairs = [(energy, price) for energy in energies for price in prices]
    given = "unnest(CAST(:e AS bigint[]), CAST(:p AS bigint[])) WITH ORDINALITY AS g (e, p, n)"
    query = text(f"SELECT {history._half_even('e', 'p')} FROM {given} ORDER BY n")

    found = await session.scalars(query, {"e": [e for e, _ in pairs], "p": [p for _, p in pairs]})

    assert [int(value) for value in found] == [amount_ueur(e, p) for e, p in pairs]
    assert amount_ueur(5, 500_000) == int(Decimal("2.5").to_integral_value(ROUND_HALF_EVEN))
