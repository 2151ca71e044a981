"""A person's own trading over GraphQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from tests.api.conftest import Execute
from tests.factories.market import a_market, a_trader
from tests.factories.prices import a_trade, grid_prices

START = datetime(2026, 3, 1, tzinfo=UTC)
STATISTICS = """
query ($period: PeriodInput!, $by: Span!, $zone: String) { viewer {
  tradingStatistics(period: $period, by: $by, timezone: $zone) { timezone total { ...Sums }
    buckets { period { start end } sums { ...Sums } } } } }
fragment Sums on TradingSums { boughtKwh soldKwh netKwh paid received savings earnings deliveredInKwh deliveredOutKwh
  settledPaid settledReceived purchasesCount salesCount }
"""
NOTHING = {
    **dict.fromkeys(("boughtKwh", "soldKwh", "netKwh", "paid", "received", "deliveredInKwh", "deliveredOutKwh"), "0"),
    **{"settledPaid": "0", "settledReceived": "0", "savings": None, "earnings": None},
    **{"purchasesCount": 0, "salesCount": 0},
}


def a_period(days: int) -> dict[str, str]:
    return {"start": START.isoformat(), "end": (START + timedelta(days=days)).isoformat()}


async def test_sums_are_shown_by_bucket_with_their_total(session: AsyncSession, execute: Execute) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    await grid_prices(session, market, "0.3", "0.06", now=START)
    await a_trade(session, market, START, "0.2", "1.5", buyer_id=viewer.user_id)
    await a_trade(session, market, START + timedelta(days=1), "0.2", "2", seller_id=viewer.user_id)

    answer = await execute(STATISTICS, viewer, period=a_period(2), by="DAY", zone=None)

    bought = NOTHING | {"boughtKwh": "1.5", "netKwh": "1.5", "paid": "0.3", "savings": "0.15", "purchasesCount": 1}
    sold = NOTHING | {"soldKwh": "2", "netKwh": "-2", "received": "0.4", "earnings": "0.28", "salesCount": 1}
    total = bought | {name: sold[name] for name in ("soldKwh", "received", "earnings", "salesCount")}
    shown = answer.data["viewer"]["tradingStatistics"]
    assert (answer.errors, shown["timezone"]) == ([], "UTC")
    assert shown["total"] == total | {"netKwh": "-0.5"}
    assert [bucket["sums"] for bucket in shown["buckets"]] == [bought, sold]
    assert shown["buckets"][1]["period"] == {"start": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z"}


async def test_nobody_else_and_no_gateway_learns_of_them(session: AsyncSession, execute: Execute) -> None:
    viewer, market = await a_trader(session), await a_market(session)
    await a_trade(session, market, START, "0.2", "1.5", buyer_id=viewer.user_id)
    gateway = Viewer(user_id=viewer.user_id, api_key_id=market, scopes=frozenset({"readings:write"}))

    for other in (await a_trader(session), gateway):
        answer = await execute(STATISTICS, other, period=a_period(2), by="MONTH")

        assert answer.data["viewer"]["tradingStatistics"]["total"] == NOTHING


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"period": a_period(801), "by": "MONTH"}, "period"),
        ({"period": a_period(500), "by": "DAY"}, "period"),
        ({"period": a_period(1), "by": "DAY", "zone": "Mars/Olympus"}, "timezone"),
    ],
)
async def test_what_is_too_much_is_bad_input(
    session: AsyncSession, execute: Execute, given: dict[str, Any], argument: str
) -> None:
    answer = await execute(STATISTICS, await a_trader(session), **given)

    [error] = answer.errors
    assert (error["code"], error["argument"]) == ("BAD_USER_INPUT", argument)
