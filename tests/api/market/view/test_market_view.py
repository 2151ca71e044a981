"""What a market looks like, over GraphQL."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.market.places.tables import EnergySource
from tests.api.conftest import Execute
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order, first_delivery
from tests.factories.prices import a_clearing, a_trade, grid_prices

VIEW = """
query View($ids: [ID!]!) { nodes(ids: $ids) { ... on Market { view {
  current { price deliveryStart change trend }
  grid { importPrice exportPrice savings earnings }
  balance { deliveryStart demandKwh supplyKwh ratio }
  day { volumeKwh vwap lowestPrice highestPrice volatility renewableShare efficiency }
  liquidity { band demandKwh supplyKwh }
  signals { kind rule facts { kind value } }
} } } }
"""


async def test_a_market_tells_everybody_what_it_looks_like(session: AsyncSession, execute: Execute) -> None:
    market, empty, now = await a_market(session), await a_market(session), datetime.now(UTC)
    start, ago = first_delivery(), [now - timedelta(minutes=minutes) for minutes in (30, 90)]
    await grid_prices(session, market, "0.3", "0.08", now - timedelta(hours=1))
    await a_trade(session, market, start, "0.2", "1", created_at=ago[1], source=EnergySource.WIND)
    await a_trade(session, market, start, "0.1", "3", created_at=ago[0], source=EnergySource.STORAGE)
    await a_clearing(session, market, start, "0.1", welfare_ueur=3, bound_ueur=4)
    for side, kwh, price in ((BUY, "2", "0.098"), (BUY, "4", "0.09"), (SELL, "3", "0.2")):
        await an_order(session, await a_trader(session), market, side, kwh, price, delivery=a_delivery())

    answer = await execute(VIEW, ids=[global_id("Market", each) for each in (market, empty)])

    delivery = start.isoformat().replace("+00:00", "Z")
    full, none = (node["view"] for node in answer.data["nodes"])
    assert answer.errors == []
    assert full.pop("signals")[0]["facts"] == [
        {"kind": "PRICE", "value": "0.1"},
        {"kind": "DAY_VWAP", "value": "0.125"},
        {"kind": "THRESHOLD", "value": "0.1125"},
    ]
    assert full == {
        "current": {"price": "0.1", "deliveryStart": delivery, "change": "-0.1", "trend": "FALLING"},
        "grid": {"importPrice": "0.3", "exportPrice": "0.08", "savings": "0.2", "earnings": "0.02"},
        "balance": [{"deliveryStart": delivery, "demandKwh": "6", "supplyKwh": "3", "ratio": "0.5"}],
        "day": {
            "volumeKwh": "4",
            "vwap": "0.125",
            "lowestPrice": "0.1",
            "highestPrice": "0.2",
            "volatility": "0.05",
            "renewableShare": "0.25",
            "efficiency": "0.75",
        },
        "liquidity": {"band": "0.005", "demandKwh": "2", "supplyKwh": "0"},
    }
    assert none == {
        "current": None,
        "grid": dict.fromkeys(("importPrice", "exportPrice", "savings", "earnings")),
        "balance": [],
        "day": {"volumeKwh": "0"}
        | dict.fromkeys(("vwap", "lowestPrice", "highestPrice", "volatility", "renewableShare", "efficiency")),
        "liquidity": None,
        "signals": [],
    }
