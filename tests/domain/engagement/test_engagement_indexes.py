"""What is read of a community's month is sought by index, at a million rows of everybody's."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import Table

from domain.communities.tables import Community, Member, Membership, Participation
from domain.engagement import cards, figures, insights, leaderboards, persons, ratings, savings
from domain.engagement.tables import EngagementPreference, MemberCard, MemberRating
from domain.kernel.intervals import Period
from domain.market.clearing.tables import Clearing, Trade
from domain.market.delivery.tables import TradeDelivery
from domain.market.orders.tables import Order
from domain.market.places.tables import Market
from domain.metering.tables import MeteringPoint
from domain.sharing.tables import AllocationDay, AllocationRun
from tests.api.engine.indexes import tall
from tests.api.engine.indexes.planning import a_planner, key, scans
from tests.conftest import Server

ROWS = 20_000
TODAY = date(2026, 3, 12)
MONTH = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
TABLES = (
    *(Community, Member, Membership, MeteringPoint, Participation, MemberCard, EngagementPreference, MemberRating),
    *(AllocationRun, AllocationDay, Market, Order, Clearing, Trade, TradeDelivery),
)


GIVEN: dict[str, Any] = (
    persons.given([key(3)], TODAY)
    | figures.given(MONTH, "UTC", 268_200)
    | {"first": 10, "viewer": key(7), "user_id": key(7), "persons_min": 5}
    | {"since": TODAY, "zones": [key(1)], "starts": [MONTH.start], "prices": [1], "community_id": key(3)}
)
STATEMENTS: dict[str, Any] = {
    **{f"leaderboard of {kind.value}": statement for kind, statement in leaderboards.RANKED.items()},
    "one's own figures": insights.OWN,
    "figures of others": insights.OTHERS,
    "deliveries bought": savings.BOUGHT,
    "savings": savings.SAVED,
    "one's own rating": ratings.OF_USER,
    "ratings of a community": ratings.OF_COMMUNITIES,
    "cards to draw in a community": cards.WAITING,
}


@pytest.fixture(scope="module")
async def planner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    async with a_planner(server, ROWS, [cast(Table, table.__table__) for table in TABLES]) as connection:
        yield connection


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_communitys_month_is_sought_by_index(planner: asyncpg.Connection, name: str) -> None:
    found = [scan for scan in await scans(planner, STATEMENTS[name], GIVEN) if scan.table not in tall.FIXED]

    # The newest day of ratings is the last entry of an index.
    newest = [scan for scan in found if scan.index == "pk_member_rating" and "day <= " in scan.condition]
    assert [scan for scan in found if not scan.is_sought and scan not in newest] == []
    assert found


async def test_cards_to_draw_are_looked_for_among_the_newest_memberships(planner: asyncpg.Connection) -> None:
    found = await scans(planner, cards.NEW, {"since": key(2**40), "communities_max": 20})

    assert [scan.index for scan in found if scan.table == "membership"] == ["pk_membership"]
    assert [scan.kind for scan in found if scan.kind == "Seq Scan"] == []
