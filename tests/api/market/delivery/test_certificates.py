"""Certificates over GraphQL: one's own, what they avoid, and cancelling them once."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone
from domain.market.delivery import certificates
from domain.market.delivery.tables import CertificateHolding
from domain.market.places.tables import EnergySource, Market
from tests.api.conftest import Execute
from tests.factories.deliveries import AFTER, NOON, Party, a_party, a_trade, injected, look, withdrew
from tests.factories.market import a_market

CERTIFICATES = """
{ viewer { certificates { totalCount edges { node {
  id number source deliveryStart country energyKwh cancelledKwh isCancelled
  cancellations { energyKwh reason }
  carbon { avoidedKg factorKgPerKwh country year method isExample } carbonUnknownBecause } } } } }
"""
CANCEL = """
mutation ($input: CancelCertificateInput!) { cancelCertificate(input: $input) {
  certificate { cancelledKwh isCancelled cancellations { energyKwh reason } }
  errors { __typename code path ... on CertificateCancelled { cancelledKwh } } } }
"""


async def a_certified_trade(session: AsyncSession, country: str = "IT") -> tuple[Party, Party]:
    """Seller and buyer of 1.5 kWh of solar energy."""
    market = await a_market(session)
    zone = await session.get_one(MarketZone, (await session.get_one(Market, market)).zone_id)
    zone.country = country
    seller, buyer = await a_party(session), await a_party(session)
    await injected(session, seller, "1.5")
    await withdrew(session, buyer, "1.5")
    await a_trade(session, market, seller, buyer, "1.5", source=EnergySource.SOLAR)
    await look(session)
    await certificates.certify(session, NOON, actor="test", now=AFTER)
    return seller, buyer


async def of(execute: Execute, party: Party) -> list[Any]:
    answer = await execute(CERTIFICATES, party.viewer)
    assert answer.errors == []
    return [edge["node"] for edge in answer.data["viewer"]["certificates"]["edges"]]


def cancelling(id: str, key: str = "key", reason: str = "My report of 2026") -> dict[str, str]:
    return {"id": id, "idempotencyKey": key, "reason": reason}


async def test_the_owner_sees_it_with_the_carbon_it_avoids(session: AsyncSession, execute: Execute) -> None:
    seller, buyer = await a_certified_trade(session)
    holding = (await session.scalars(select(CertificateHolding).where(CertificateHolding.owned_wh > 0))).one()

    shown = await of(execute, buyer)

    assert shown == [
        {
            "id": f"Certificate:{holding.id}",
            "number": str(holding.issue_id),
            "source": "SOLAR",
            "deliveryStart": "2026-11-10T11:00:00Z",
            "country": "IT",
            "energyKwh": "1.5",
            "cancelledKwh": "0",
            "isCancelled": False,
            "cancellations": [],
            "carbon": {
                "avoidedKg": "0.3438",
                "factorKgPerKwh": "0.2292",
                "country": "IT",
                "year": 2014,
                "method": "LOCATION_BASED",
                "isExample": True,
            },
            "carbonUnknownBecause": None,
        }
    ]
    assert await of(execute, seller) == []


async def test_without_a_factor_there_is_no_figure_and_a_reason(session: AsyncSession, execute: Execute) -> None:
    _, buyer = await a_certified_trade(session, country="ES")

    [shown] = await of(execute, buyer)

    assert shown["carbon"] is None
    assert shown["carbonUnknownBecause"] == "No emission factor of ES is known for the year of delivery or any before."


async def test_it_is_cancelled_once(session: AsyncSession, execute: Execute) -> None:
    _, buyer = await a_certified_trade(session)
    [shown] = await of(execute, buyer)

    first = await execute(CANCEL, buyer.viewer, input=cancelling(shown["id"]))
    repeated = await execute(CANCEL, buyer.viewer, input=cancelling(shown["id"]))
    again = await execute(CANCEL, buyer.viewer, input=cancelling(shown["id"], "other"))

    cancelled = {
        "certificate": {
            "cancelledKwh": "1.5",
            "isCancelled": True,
            "cancellations": [{"energyKwh": "1.5", "reason": "My report of 2026"}],
        },
        "errors": [],
    }
    assert (first.data["cancelCertificate"], repeated.data["cancelCertificate"]) == (cancelled, cancelled)
    refused = {"__typename": "CertificateCancelled", "code": "CERTIFICATE_CANCELLED", "path": ["id"]}
    assert again.refusals("cancelCertificate") == [refused | {"cancelledKwh": "1.5"}]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"reason": " "}, "INVALID_INPUT"),
        ({"reason": "x" * 501}, "INVALID_INPUT"),
        ({"idempotencyKey": ""}, "INVALID_INPUT"),
        ({"id": "Certificate:01a00000-0000-7000-8000-000000000000"}, "NOT_FOUND"),
    ],
)
async def test_what_cannot_be_cancelled_is_refused_and_nothing_changes(
    session: AsyncSession, execute: Execute, given: dict[str, str], code: str
) -> None:
    _, buyer = await a_certified_trade(session)
    [before] = await of(execute, buyer)

    answer = await execute(CANCEL, buyer.viewer, input=cancelling(before["id"]) | given)

    assert [error["code"] for error in answer.refusals("cancelCertificate")] == [code]
    assert await of(execute, buyer) == [before]


async def test_the_seller_does_not_cancel_what_it_sold(session: AsyncSession, execute: Execute) -> None:
    seller, buyer = await a_certified_trade(session)
    [before] = await of(execute, buyer)

    answer = await execute(CANCEL, seller.viewer, input=cancelling(before["id"]))

    assert [error["code"] for error in answer.refusals("cancelCertificate")] == ["NOT_FOUND"]
    assert await of(execute, buyer) == [before]
