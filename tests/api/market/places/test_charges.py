"""What is paid beside the price, over GraphQL: set by administrators, seen by everybody, never for what is placed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.market.places.tables import MarketCharge
from tests.api.conftest import Execute
from tests.factories.communities import a_community
from tests.factories.market import ADMIN, BUY, a_market, a_trader, an_order, now

SET = """
mutation Set($input: SetMarketChargeInput!) { setMarketCharge(input: $input) {
  charge { kind payer rate vatRate validFrom community { id } } errors { __typename code path } } }
"""
SEEN = """
query Seen($id: ID!) { node(id: $id) { ... on Market {
  penalty energyVatRate charges { edges { node { kind payer rate vatRate } } } } } }
"""
FAR = (now() + timedelta(days=30)).replace(microsecond=0)


def an_input(market: UUID, **overrides: Any) -> dict[str, Any]:
    facts = {"kind": "NETWORK", "payer": "BUY", "rate": "0.0312", "vatRate": "0.17", "validFrom": FAR.isoformat()}
    return {"marketId": global_id("Market", market), **facts, **overrides}


async def test_a_charge_is_set_and_everybody_sees_it(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session, penalty_ueur_per_kwh=50_000, energy_vat_ppm=80_000)

    answer = await execute(SET, ADMIN, input=an_input(market))
    seen = await execute(SEEN, id=global_id("Market", market))

    charge = {"kind": "NETWORK", "payer": "BUY", "rate": "0.0312", "vatRate": "0.17"}
    valid_from = FAR.isoformat().replace("+00:00", "Z")
    made = charge | {"validFrom": valid_from, "community": None}
    assert answer.data["setMarketCharge"] == {"charge": made, "errors": []}
    shown = {"penalty": "0.05", "energyVatRate": "0.08", "charges": {"edges": [{"node": charge}]}}
    assert seen.data["node"] == shown


async def test_a_contribution_goes_to_the_fund_of_a_community(session: AsyncSession, execute: Execute) -> None:
    market, community = await a_market(session), await a_community(session)
    id = global_id("Community", community.id)

    answer = await execute(SET, ADMIN, input=an_input(market, kind="COMMUNITY_FUND", communityId=id))

    assert answer.data["setMarketCharge"]["charge"]["community"] == {"id": id}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"rate": "-0.01"}, "rate"),
        ({"rate": "4.0001"}, "rate"),
        ({"vatRate": "1.1"}, "vatRate"),
        ({"kind": "COMMUNITY_FUND"}, "communityId"),
        ({"validFrom": now().isoformat()}, "validFrom"),
    ],
    ids=("a negative rate", "too high a rate", "more VAT than all", "a fund of nobody", "from this instant"),
)
async def test_a_refused_charge_is_not_set(
    session: AsyncSession, execute: Execute, change: dict[str, Any], path: str
) -> None:
    market = await a_market(session)
    await an_order(session, await a_trader(session), market, BUY)

    answer = await execute(SET, ADMIN, input=an_input(market, **change))

    invalid = {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": [path]}
    assert answer.refusals("setMarketCharge") == [invalid]
    assert await session.scalar(select(func.count()).select_from(MarketCharge)) == 0


async def test_the_same_charge_is_set_once(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    await execute(SET, ADMIN, input=an_input(market))

    answer = await execute(SET, ADMIN, input=an_input(market, rate="0.05"))

    (refused,) = answer.refusals("setMarketCharge")
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["validFrom"])
    assert await session.scalar(select(MarketCharge.rate_ueur_per_kwh)) == 31_200


async def test_members_set_no_charges(session: AsyncSession, execute: Execute) -> None:
    answer = await execute(SET, await a_trader(session), input=an_input(await a_market(session)))

    assert [error["code"] for error in answer.errors] == ["FORBIDDEN"]
    assert await session.scalar(select(func.count()).select_from(MarketCharge)) == 0
