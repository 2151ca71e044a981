"""Communities whose members have cards, and what they traded, delivered and withdrew, for tests."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Community, Member, Membership
from domain.engagement import cards
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.quantities import parse_micro
from domain.market.delivery.tables import TradeDelivery
from domain.metering.tables import Direction
from domain.sharing.tables import AllocationDay, AllocationRun
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.identity import a_user, viewer_of
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values
from tests.factories.prices import a_trade

MARCH = date(2026, 3, 1)
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 11, tzinfo=UTC)
NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
QUARTERS = 96


@dataclass
class Someone:
    """A person in a community, with a metering point and a card."""

    viewer: Viewer
    member: Member
    membership: Membership
    point_id: UUID

    @property
    def user_id(self) -> UUID:
        assert self.viewer.user_id is not None
        return self.viewer.user_id


async def some_people(
    session: AsyncSession, count: int, community: Community | None = None, seed: int = 1, **point: Any
) -> list[Someone]:
    """Members of one community, a new one unless it is given, each with a whole metering point; their cards drawn."""
    home = community or await a_community(session)
    users = [await a_user(session) for _ in range(count)]
    made = []
    for user in users:
        member = await a_member(session, user)
        membership = await a_membership(session, home, member)
        brought = await a_metering_point(session, **point)
        await a_participation(session, membership, brought)
        made.append((user, member, membership, brought.id))
    await cards.draw(session, home.id, Random(seed))
    return [
        Someone(await viewer_of(session, user), member, membership, point_id)
        for user, member, membership, point_id in made
    ]


async def delivered(
    session: AsyncSession,
    market_id: UUID,
    seller: UUID | None,
    buyer: UUID | None,
    kwh: str = "1",
    *,
    seller_short: str = "0",
    buyer_short: str = "0",
    start: datetime = NOON,
    price: str = "0.2",
    version: int = 1,
    trade_id: UUID | None = None,
    **trade: Any,
) -> UUID:
    """A settled trade, or a newer version of its delivery; parties that are not given are strangers."""
    parties = {name: id for name, id in (("seller_id", seller), ("buyer_id", buyer)) if id is not None}
    trade_id = trade_id or await a_trade(session, market_id, start, price, kwh, **parties, **trade)
    shorts = {"seller_short_ukwh": parse_micro(seller_short), "buyer_short_ukwh": parse_micro(buyer_short)}
    facts = {
        "id": new_id(),
        "trade_id": trade_id,
        "version": version,
        "delivered_ukwh": parse_micro(kwh) - sum(shorts.values()),
        "buyer_paid_ueur": 0,
        "seller_received_ueur": 0,
        "is_provisional": False,
        "settled_at": start + timedelta(days=1),
    }
    await session.execute(insert(TradeDelivery).values(facts | shorts))
    return trade_id


async def withdrew(session: AsyncSession, person: Someone, kwh: str, day: date = DAY) -> None:
    """What a person withdrew on a day, evenly; kWh that 96 quarter-hours divide."""
    each = parse_micro(kwh) // QUARTERS
    assert each * QUARTERS == parse_micro(kwh)
    await recorded(
        session, a_reading_day(person.point_id, direction=Direction.WITHDRAWN, day=day, values_ukwh=values(each))
    )


async def shared(
    session: AsyncSession,
    person: Someone,
    key_id: UUID,
    kwh: str,
    *,
    day: date = DAY,
    days: int = 1,
    version: int = 1,
    direction: Direction = Direction.WITHDRAWN,
) -> None:
    """An allocation of a person's community, whose period is some days, and what it gave the person on the first."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=1)
    run = AllocationRun(
        community_id=person.membership.community_id,
        period_start=start,
        period_end=start + timedelta(days=days),
        version=version,
        key_id=key_id,
        interval_minutes=15,
        input_digest="test",
        injected_ukwh=10**9,
        withdrawn_ukwh=10**9,
        shared_ukwh=parse_micro(kwh),
    )
    session.add(run)
    await session.flush()
    each = parse_micro(kwh) // QUARTERS
    told = AllocationDay(
        run_id=run.id,
        metering_point_id=person.point_id,
        direction=direction,
        day=day,
        member_id=person.member.id,
        metered_ukwh=[each] * QUARTERS,
        shared_ukwh=[each] * QUARTERS,
    )
    session.add(told)
    await session.flush()
