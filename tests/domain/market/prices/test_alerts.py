"""Price alerts: what crosses a threshold, that each crossing is told once, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotFound, StaleVersion
from domain.market.clearing import ticks as prices
from domain.market.clearing.ticks import Tick, TickKind
from domain.market.prices import alerts
from domain.market.prices.alerts import ALERTS_MAX, Step, TooManyPriceAlerts, Waiting, Watch, crossings
from domain.market.prices.tables import AlertDirection, PriceAlert, WatchedMarket, WatchedPrice
from tests.factories.market import QUARTER, a_market, a_trader, first_delivery

ABOVE, BELOW = AlertDirection.ABOVE, AlertDirection.BELOW
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = NOON + timedelta(hours=3)


def steps(*given: tuple[int, int | None], every: timedelta = timedelta(minutes=1)) -> list[Step]:
    """Ticks of (price, price before)."""
    return [
        Step(number, NOON + number * every, Tick(START, price, TickKind.CLEARED), before)
        for number, (price, before) in enumerate(given, 1)
    ]


def told(watch: Watch, *given: tuple[int, int | None], after: int = 0, last: datetime | None = None) -> list[int]:
    """Numbers of the ticks that are told of."""
    return [step.sequence for step in crossings(Waiting(new_id(), new_id(), watch, after, last), steps(*given))]


def test_a_tick_crosses_where_the_one_before_was_not_there() -> None:
    again = 1

    assert told(Watch(10, ABOVE, again), (9, None), (10, 9), (11, 10), (9, 11), (12, 9)) == [2, 5]
    assert told(Watch(10, BELOW, again), (11, None), (10, 11), (9, 10), (11, 9), (8, 11)) == [2, 5]


def test_the_first_tick_of_a_delivery_crosses() -> None:
    assert told(Watch(10, ABOVE), (10, None)) == [1]
    assert told(Watch(-10, BELOW), (-10, None)) == [1]


def test_an_alert_that_tells_once_is_done() -> None:
    assert told(Watch(10, ABOVE), (12, 9), (9, 12), (12, 9)) == [1]


def test_one_that_repeats_is_silent_while_it_cools_down() -> None:
    swings = [(12, 9), (9, 12)] * 6  # It crosses in minutes 1, 3, 5, 7, 9 and 11.

    assert told(Watch(10, ABOVE, 5), *swings) == [1, 7]  # Minute 6 is the first one in which it may tell again.
    assert told(Watch(10, ABOVE, 4), *swings) == [1, 5, 9]
    assert told(Watch(10, ABOVE, 5), *swings, last=NOON) == [5, 11]


def test_ticks_before_an_alert_was_made_are_not_told() -> None:
    assert told(Watch(10, ABOVE), (12, 9), (9, 12), (12, 9), after=2) == [3]


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(-3, 3), st.sampled_from(AlertDirection))
def test_between_two_crossings_a_price_came_back(given_prices: list[int], threshold: int, side: AlertDirection) -> None:
    before: list[int | None] = [None, *given_prices]
    watch = Watch(threshold, side, 1)

    found = told(watch, *zip(given_prices, before, strict=False))

    reached = [watch.is_reached(price) for price in given_prices]
    expected = [n for n, now in enumerate(reached, 1) if now and (n == 1 or not reached[n - 2])]
    assert found == expected


async def announce(
    session: AsyncSession, market: UUID, *ticks: tuple[int, int], kind: TickKind = TickKind.CLEARED
) -> None:
    """Ticks of (delivery, micro-EUR/kWh)."""
    made = [Tick(first_delivery() + number * QUARTER, price, kind) for number, price in ticks]
    await prices.announce(session, market, made)


async def fired(session: AsyncSession) -> int:
    return await alerts.fire(session, now=datetime.now(UTC))


async def notices(session: AsyncSession) -> list[Any]:
    rows = await session.scalars(select(Notice).order_by(Notice.id))
    return [(row.user_id, row.kind, row.facts["price_ueur_per_kwh"], row.facts["sequence"]) for row in rows]


async def test_crossings_are_told_once_however_often_one_looks(session: AsyncSession) -> None:
    market, owner, other = await a_market(session), await a_trader(session), await a_trader(session)
    await announce(session, market, (0, 300_000), (1, 90_000))
    assert await fired(session) == 0
    once = await alerts.create(session, owner, market, Watch(200_000, ABOVE))
    await alerts.create(session, other, market, Watch(80_000, BELOW, 60))

    counts = [await fired(session)]
    await announce(session, market, (0, 310_000))  # It was above already.
    counts += [await fired(session), await fired(session)]
    await announce(session, market, (0, 100_000), kind=TickKind.INDICATIVE)
    counts += [await fired(session)]
    await announce(session, market, (0, 250_000), (1, 250_000), (1, 80_000), (2, 10_000))
    counts += [await fired(session), await fired(session)]

    assert counts == [0, 0, 0, 0, 2, 0]
    assert await notices(session) == [
        (owner.user_id, "PRICE_ALERT", 250_000, 5),
        (other.user_id, "PRICE_ALERT", 80_000, 7),
    ]
    alert = await session.get_one(PriceAlert, once, populate_existing=True)
    assert (alert.is_active, alert.times_fired, alert.version) == (False, 1, 1)
    acts = await session.scalars(select(AuditEntry.act).where(AuditEntry.act.startswith("price_alert")))
    assert sorted(acts) == ["price_alert.create"] * 2 + ["price_alert.fire"] * 2


async def test_a_notice_has_the_facts_of_the_crossing(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    alert_id = await alerts.create(session, owner, market, Watch(200_000, ABOVE))
    await announce(session, market, (0, 250_000))

    await fired(session)

    notice = (await session.scalars(select(Notice))).one()
    assert notice.facts.pop("told_at")
    assert notice.facts == {
        "alert_id": str(alert_id),
        "market_id": str(market),
        "sequence": 1,
        "direction": "ABOVE",
        "threshold_ueur_per_kwh": 200_000,
        "delivery_start": first_delivery().isoformat(),
        "price_ueur_per_kwh": 250_000,
        "kind": "CLEARED",
        "volume_ukwh": 0,
    }


async def test_how_far_ticks_were_compared_is_stored_with_what_was_told(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    await alerts.create(session, owner, market, Watch(200_000, ABOVE))
    await announce(session, market, (0, 250_000))

    await session.commit()
    await fired(session)
    await session.rollback()  # The relay was killed before its commit.
    assert await notices(session) == []
    await fired(session)

    assert len(await notices(session)) == 1
    assert (await session.scalars(select(WatchedMarket.sequence))).one() == 1


async def test_many_ticks_are_compared_in_turns(session: AsyncSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "TICKS_AT_ONCE", 2)
    market, owner = await a_market(session), await a_trader(session)
    await alerts.create(session, owner, market, Watch(200_000, ABOVE))
    await announce(session, market, (0, 1), (0, 2), (0, 3), (0, 250_000), (0, 1))

    assert [await fired(session) for _ in range(4)] == [0, 1, 0, 0]


async def test_prices_of_deliveries_that_began_are_forgotten(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    await alerts.create(session, owner, market, Watch(200_000, ABOVE))
    await announce(session, market, (0, 1), (1, 2))
    await fired(session)
    await announce(session, market, (2, 3))

    await alerts.fire(session, now=first_delivery())

    kept = select(WatchedPrice.delivery_start, WatchedPrice.price_ueur_per_kwh).order_by(WatchedPrice.delivery_start)
    assert (await session.execute(kept)).all() == [
        (first_delivery() + QUARTER, 2),
        (first_delivery() + 2 * QUARTER, 3),
    ]


async def test_an_alert_that_is_changed_waits_anew(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    alert_id = await alerts.create(session, owner, market, Watch(200_000, ABOVE))
    await announce(session, market, (0, 250_000))
    await fired(session)
    await announce(session, market, (0, 90_000), (1, 260_000))

    changed = Watch(100_000, BELOW)
    await alerts.change(session, owner, alert_id, changed, is_active=True, expected_version=1)
    silent = await fired(session)
    await announce(session, market, (1, 95_000))
    told_now = await fired(session)

    alert = await session.get_one(PriceAlert, alert_id, populate_existing=True)
    assert (silent, told_now) == (0, 1)
    assert (alert.version, alert.times_fired, alert.is_active) == (2, 2, False)


async def test_a_changed_alert_goes_on_cooling_down(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    alert_id = await alerts.create(session, owner, market, Watch(200_000, ABOVE, 30))
    await announce(session, market, (0, 250_000))
    await fired(session)

    await alerts.change(session, owner, alert_id, Watch(1, ABOVE, 30), is_active=True, expected_version=1)
    await announce(session, market, (1, 95_000))

    assert await fired(session) == 0


async def test_a_paused_or_forgotten_alert_is_silent(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    paused, gone = [await alerts.create(session, owner, market, Watch(1, ABOVE)) for _ in range(2)]

    await alerts.change(session, owner, paused, Watch(1, ABOVE), is_active=False, expected_version=1)
    await alerts.remove(session, owner, gone)
    await announce(session, market, (0, 250_000))

    assert await fired(session) == 0
    assert (await session.scalars(select(PriceAlert.id))).all() == [paused]


async def test_another_s_alert_is_not_there(session: AsyncSession) -> None:
    market, owner, other = await a_market(session), await a_trader(session), await a_trader(session)
    alert_id = await alerts.create(session, owner, market, Watch(1, ABOVE))

    with pytest.raises(NotFound):
        await alerts.change(session, other, alert_id, Watch(2, ABOVE), is_active=True, expected_version=1)
    with pytest.raises(NotFound):
        await alerts.remove(session, other, alert_id)

    alert = await session.get_one(PriceAlert, alert_id, populate_existing=True)
    assert (alert.threshold_ueur_per_kwh, alert.version) == (1, 1)


async def test_what_cannot_be_watched_is_refused(session: AsyncSession) -> None:
    market, owner = await a_market(session), await a_trader(session)
    alert_id = await alerts.create(session, owner, market, Watch(1, ABOVE))

    for watch, path in (
        (Watch(4_000_001, ABOVE), ("threshold",)),
        (Watch(1, ABOVE, 0), ("coolDownMinutes",)),
        (Watch(1, ABOVE, 10_081), ("coolDownMinutes",)),
    ):
        with pytest.raises(InvalidValue) as refused:
            await alerts.create(session, owner, market, watch)
        assert refused.value.path == path
    with pytest.raises(NotFound):
        await alerts.create(session, owner, new_id(), Watch(1, ABOVE))
    with pytest.raises(StaleVersion):
        await alerts.change(session, owner, alert_id, Watch(2, ABOVE), is_active=True, expected_version=7)

    stored = (await session.execute(select(PriceAlert.id, PriceAlert.threshold_ueur_per_kwh))).all()
    assert stored == [(alert_id, 1)]


async def test_a_user_has_a_limited_number_of_alerts(session: AsyncSession) -> None:
    market, owner, other = await a_market(session), await a_trader(session), await a_trader(session)
    for number in range(ALERTS_MAX):
        await alerts.create(session, owner, market, Watch(number, ABOVE))

    with pytest.raises(TooManyPriceAlerts) as refused:
        await alerts.create(session, owner, market, Watch(1, BELOW))

    assert refused.value.limit == ALERTS_MAX
    assert await count_of(session, owner) == ALERTS_MAX
    await alerts.create(session, other, market, Watch(1, BELOW))
    assert await count_of(session, other) == 1


async def count_of(session: AsyncSession, owner: Viewer) -> int:
    count = select(func.count()).select_from(PriceAlert).where(PriceAlert.owner_id == owner.user_id)
    return int((await session.execute(count)).scalar_one())
