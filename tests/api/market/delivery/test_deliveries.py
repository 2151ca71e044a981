"""Deliveries of trades over GraphQL: for their parties, and in sum for who operates the zone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.clearing.tables import Trade
from domain.market.places.tables import ChargeKind, Market, OrderSide
from tests.api.conftest import Execute
from tests.factories.deliveries import AFTER, NOON, Party, a_charge, a_party, a_trade, injected, look, withdrew
from tests.factories.identity import an_admin
from tests.factories.market import a_market

DELIVERIES = """
query ($id: ID!) { node(id: $id) { ... on Trade {
  delivery { version deliveredKwh sellerShortKwh buyerShortKwh isProvisional amount
             lines { kind side rate energyKwh net vatRate vat } }
  deliveries(first: 5) { totalCount edges { node { version } } } } } }
"""
TOTALS = """
query ($id: ID!, $period: PeriodInput!) { node(id: $id) { ... on Market { deliveryTotals(period: $period) {
  trades settled tradedKwh deliveredKwh sellerShortKwh buyerShortKwh deliveredShare } } } }
"""
PERIOD = {"start": NOON.isoformat(), "end": (NOON + timedelta(hours=1)).isoformat()}


async def a_settled_trade(session: AsyncSession, sold: str = "0.5") -> tuple[UUID, Trade, Party, Party]:
    """A trade of 1 kWh at 0.2 with a fee of the buyer's, by what the seller injected."""
    market = await a_market(session, penalty_ueur_per_kwh=100_000)
    await a_charge(session, market, ChargeKind.FEE, OrderSide.BUY, "0.01", vat_ppm=200_000)
    seller, buyer = await a_party(session), await a_party(session)
    await injected(session, seller, sold)
    await withdrew(session, buyer, "1")
    trade = await a_trade(session, market, seller, buyer, "1", "0.2")
    await look(session)
    return market, trade, seller, buyer


async def shown(execute: Execute, trade: Trade, viewer: Viewer) -> Any:
    answer = await execute(DELIVERIES, viewer, id=f"Trade:{trade.id}")
    assert answer.errors == []
    return answer.data["node"]


async def test_each_party_sees_the_delivery_and_its_own_lines(session: AsyncSession, execute: Execute) -> None:
    _, trade, seller, buyer = await a_settled_trade(session)

    of_buyer, of_seller = [await shown(execute, trade, party.viewer) for party in (buyer, seller)]

    assert of_buyer["delivery"] == {
        "version": 1,
        "deliveredKwh": "0.5",
        "sellerShortKwh": "0.5",
        "buyerShortKwh": "0",
        "isProvisional": False,
        "amount": "0.056",
        "lines": [
            {"kind": "ENERGY", "side": "BUY", "rate": "0.2", "energyKwh": "0.5", "net": "0.1"}
            | {"vatRate": "0", "vat": "0"},
            {"kind": "FEE", "side": "BUY", "rate": "0.01", "energyKwh": "0.5", "net": "0.005"}
            | {"vatRate": "0.2", "vat": "0.001"},
            {"kind": "PENALTY", "side": "BUY", "rate": "-0.1", "energyKwh": "0.5", "net": "-0.05"}
            | {"vatRate": "0", "vat": "0"},
        ],
    }
    assert (of_seller["delivery"]["amount"], [line["kind"] for line in of_seller["delivery"]["lines"]]) == (
        "-0.05",
        ["ENERGY", "PENALTY"],
    )


async def test_a_correction_is_the_latest_of_several_versions(session: AsyncSession, execute: Execute) -> None:
    _, trade, seller, buyer = await a_settled_trade(session)
    await injected(session, seller, "1")
    await look(session, now=AFTER + timedelta(days=1))

    found = await shown(execute, trade, buyer.viewer)

    assert (found["delivery"]["version"], found["delivery"]["deliveredKwh"]) == (2, "1")
    assert found["deliveries"] == {
        "totalCount": 2,
        "edges": [{"node": {"version": 1}}, {"node": {"version": 2}}],
    }


async def test_others_see_the_trade_and_nothing_of_its_delivery(session: AsyncSession, execute: Execute) -> None:
    _, trade, _, _ = await a_settled_trade(session)
    other = await a_party(session)

    found = await shown(execute, trade, other.viewer)

    assert found == {"delivery": None, "deliveries": {"totalCount": 0, "edges": []}}


async def test_administrators_see_both_sides_and_have_no_amount(session: AsyncSession, execute: Execute) -> None:
    _, trade, _, _ = await a_settled_trade(session)

    found = await shown(execute, trade, an_admin())

    assert [(line["side"], line["kind"]) for line in found["delivery"]["lines"]] == [
        ("BUY", "ENERGY"),
        ("BUY", "FEE"),
        ("SELL", "ENERGY"),
        ("SELL", "PENALTY"),
        ("BUY", "PENALTY"),
    ]
    assert found["delivery"]["amount"] is None


async def test_who_operates_the_zone_sees_what_became_of_its_trades(session: AsyncSession, execute: Execute) -> None:
    market, _, seller, buyer = await a_settled_trade(session)
    zone_id = (await session.get_one(Market, market)).zone_id
    await a_trade(session, market, seller, buyer, "2", start=NOON + timedelta(minutes=15))
    operator = Viewer(user_id=seller.user_id, operated_zone_ids=frozenset({zone_id}))

    answers = [
        await execute(TOTALS, viewer, id=f"Market:{market}", period=PERIOD) for viewer in (operator, buyer.viewer)
    ]

    assert [answer.data["node"]["deliveryTotals"] for answer in answers] == [
        {
            "trades": 2,
            "settled": 1,
            "tradedKwh": "3",
            "deliveredKwh": "0.5",
            "sellerShortKwh": "0.5",
            "buyerShortKwh": "0",
            "deliveredShare": "0.5",
        },
        None,
    ]


async def test_totals_of_more_than_a_year_are_bad_input(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    period = {"start": NOON.isoformat(), "end": (NOON + timedelta(days=367)).isoformat()}

    answer = await execute(TOTALS, an_admin(), id=f"Market:{market}", period=period)

    [error] = answer.errors
    assert (error["code"], error["argument"]) == ("BAD_USER_INPUT", "period")
