from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.geography.tables import ZoneLink
from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound
from domain.market.places import changes, markets
from domain.market.places.tables import Market
from tests.factories.market import ADMIN, a_market, a_trader, a_zone, linked_markets

KWH: dict[str, Any] = {"capacity_ukwh": 10**6, "cost_ueur_per_kwh": 0}


async def test_opens_a_market_in_a_zone(session: AsyncSession) -> None:
    zone = await a_zone(session)

    market_id = await markets.create(session, ADMIN, zone_id=zone, name=" Nord ", batch_seconds=7, delivery_minutes=30)

    market = await session.get_one(Market, market_id)
    assert (market.zone_id, market.name, market.batch_seconds, market.delivery_minutes) == (zone, "Nord", 7, 30)


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"batch_seconds": 0}, InvalidValue),
        ({"batch_seconds": 901}, InvalidValue),
        ({"horizon_hours": 0}, InvalidValue),
        ({"horizon_hours": 169}, InvalidValue),
        ({"delivery_minutes": 10}, InvalidValue),
        ({"name": " "}, InvalidValue),
        ({"name": "a" * 121}, InvalidValue),
        ({"name": "a\x00"}, InvalidValue),
        ({"zone_id": new_id()}, NotFound),
    ],
)
async def test_refuses_a_market_that_breaks_a_rule(
    session: AsyncSession, facts: dict[str, Any], refusal: type[Exception]
) -> None:
    given: dict[str, Any] = {"zone_id": await a_zone(session), "name": "Nord"} | facts

    with pytest.raises(refusal):
        await markets.create(session, ADMIN, **given)

    assert await session.scalar(select(func.count()).select_from(Market)) == 0


async def test_a_zone_has_one_market(session: AsyncSession) -> None:
    zone = await a_zone(session)
    market_id = await a_market(session, zone)

    with pytest.raises(markets.MarketExists) as refused:
        await a_market(session, zone)

    assert (refused.value.zone_id, refused.value.market_id) == (zone, market_id)


async def test_only_administrators_open_markets_and_link_zones(session: AsyncSession) -> None:
    zone, other, person = await a_zone(session), await a_zone(session), await a_trader(session)

    with pytest.raises(NotAllowed):
        await markets.create(session, person, zone_id=zone, name="Nord")
    with pytest.raises(NotAllowed):
        await markets.link_zones(session, person, from_zone_id=zone, to_zone_id=other, **KWH)

    assert await session.scalar(select(func.count()).select_from(Market)) == 0
    assert await session.scalar(select(func.count()).select_from(ZoneLink)) == 0


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"capacity_ukwh": -1}, ("capacityKwh",)),
        ({"capacity_ukwh": 10**15 + 1_000}, ("capacityKwh",)),
        ({"capacity_ukwh": 1_001}, ("capacityKwh",)),
        ({"cost_ueur_per_kwh": -100}, ("cost",)),
        ({"cost_ueur_per_kwh": 4_000_100}, ("cost",)),
        ({"cost_ueur_per_kwh": 150}, ("cost",)),
    ],
)
async def test_refuses_a_link_that_breaks_a_rule(
    session: AsyncSession, terms: dict[str, int], path: tuple[str, ...]
) -> None:
    zone, other, given = await a_zone(session), await a_zone(session), KWH | terms

    with pytest.raises(InvalidValue) as refused:
        await markets.link_zones(session, ADMIN, from_zone_id=zone, to_zone_id=other, **given)

    assert refused.value.path == path
    assert await session.scalar(select(func.count()).select_from(ZoneLink)) == 0


@pytest.mark.parametrize(
    ("ends", "refusal"),
    [
        (lambda zone: {"from_zone_id": zone, "to_zone_id": zone}, InvalidValue),
        (lambda zone: {"from_zone_id": zone, "to_zone_id": new_id()}, NotFound),
    ],
)
async def test_a_link_joins_two_known_zones(
    session: AsyncSession, ends: Callable[[Any], dict[str, Any]], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await markets.link_zones(session, ADMIN, **ends(await a_zone(session)), **KWH)

    assert await session.scalar(select(func.count()).select_from(ZoneLink)) == 0


async def test_setting_a_link_again_changes_its_terms_and_tells_the_markets(session: AsyncSession) -> None:
    first, _ = await linked_markets(session)
    coupling = await markets.coupled(session, first)
    news = await feed.last_sequence(session, changes.stream_of(first))

    link = coupling.links[0]
    start, end = link.from_zone_id, link.to_zone_id
    await markets.link_zones(
        session, ADMIN, from_zone_id=start, to_zone_id=end, capacity_ukwh=5_000, cost_ueur_per_kwh=300
    )

    assert (await markets.coupled(session, first)).links == (markets.Link(start, end, 5_000, 300),)
    assert await feed.last_sequence(session, changes.stream_of(first)) == news + 1


async def test_linked_zones_clear_together_also_through_a_zone_without_market(session: AsyncSession) -> None:
    left, middle, right, apart = [await a_zone(session) for _ in range(4)]
    ids = [await a_market(session, zone) for zone in (left, right, apart)]
    for start, end in ((left, middle), (right, middle)):
        await markets.link_zones(session, ADMIN, from_zone_id=start, to_zone_id=end, **KWH)

    coupling = await markets.coupled(session, ids[1])

    assert coupling.market_ids == tuple(sorted(ids[:2]))
    assert coupling.zone_ids == tuple(sorted((left, middle, right)))
    assert (await markets.coupled(session, ids[2])).market_ids == (ids[2],)


async def test_a_link_without_capacity_couples_nothing(session: AsyncSession) -> None:
    first, _ = await linked_markets(session, kwh="0")

    assert (await markets.coupled(session, first)).market_ids == (first,)


async def test_linked_markets_deliver_in_equal_intervals(session: AsyncSession) -> None:
    zones = [await a_zone(session), await a_zone(session)]
    await a_market(session, zones[0], delivery_minutes=15)
    await a_market(session, zones[1], delivery_minutes=60)

    with pytest.raises(markets.DeliveriesDiffer) as refused:
        await markets.link_zones(session, ADMIN, from_zone_id=zones[0], to_zone_id=zones[1], **KWH)

    assert refused.value.minutes == (15, 60)
