"""What is read of one person's own trading, or of one market's book, is sought by index in tall tables."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import Table

from domain.communities.tables import Asset, Member, Participation
from domain.identity.viewers import Viewer
from domain.kernel.intervals import Period
from domain.market.clearing.tables import Clearing, Trade
from domain.market.delivery.tables import TradeDelivery
from domain.market.orders.tables import Order, OrderInterval
from domain.market.places.tables import Market
from domain.market.rules import situations, surplus
from domain.market.rules.tables import TradingRule
from domain.market.view import exports, history, market_view
from domain.metering.tables import MeteringPoint
from tests.api.engine.indexes import tall
from tests.api.engine.indexes.planning import a_planner, key, scans
from tests.conftest import Server

ROWS = 20_000


TABLES = (
    *(Member, MeteringPoint, Participation, Asset),
    *(Market, TradingRule, Order, OrderInterval, Clearing, Trade, TradeDelivery),
)
START = datetime(2026, 1, 5, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=2))
VIEWER = Viewer(user_id=key(7))
OWN = {"user": key(7), "start": PERIOD.start, "end": PERIOD.end}
OWNERS = {"owners": [key(7), key(9)], "last": date(2026, 1, 5)}
GRID = {"zones": [key(1)], "starts": [START], "import_prices": [1], "export_prices": [1]}
BY = {"by": "day", "zone": "UTC"}

STATEMENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "deliveries traded in": (history.TRADED, OWN),
    "sums": (history.SUMS, OWN | GRID | BY),
    "a page of trades": (exports.trades(VIEWER, PERIOD).after(None).limit(exports.PAGE), {}),
    "the next page of trades": (
        exports.trades(VIEWER, PERIOD).after((START, key(5), "BUY")).limit(exports.PAGE),
        {},
    ),
    "a page of orders": (exports.orders(VIEWER, PERIOD).after(None).limit(exports.PAGE), {}),
    "the next page of orders": (exports.orders(VIEWER, PERIOD).after(key(5)).limit(exports.PAGE), {}),
    "energy that is bound": (
        surplus.BOUND,
        {"owners": [key(7), key(9)], "start": PERIOD.start, "end": PERIOD.end},
    ),
    "storage": (surplus.STORAGE, OWNERS),
    "the book of the coming hours": (market_view.open_near({key(1): (1, None)}, START), {}),
    "owners of rules that are due": (situations.DUE_OWNERS, {"now": START, "owners_max": 10}),
}


@pytest.fixture(scope="module")
async def planner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    async with a_planner(server, ROWS, [cast(Table, table.__table__) for table in TABLES]) as connection:
        yield connection


@pytest.mark.parametrize("name", STATEMENTS)
async def test_rows_are_sought_by_index(planner: asyncpg.Connection, name: str) -> None:
    found = [scan for scan in await scans(planner, *STATEMENTS[name]) if scan.table not in tall.FIXED]

    # What is due is a range of an index that holds active rules alone.
    assert [scan for scan in found if not (scan.is_sought or scan.index == "ix_trading_rule_due")] == []
    assert found
