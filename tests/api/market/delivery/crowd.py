"""Deliveries and certificates: the first trade was corrected fifty times, the first user owns fifty."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.kernel.database import new_id
from domain.market.clearing.tables import Trade
from domain.market.delivery.tables import (
    CertificateAct,
    CertificateActKind,
    CertificateIssue,
    DeliveryLine,
    TradeDelivery,
)
from domain.market.places.charges import LineKind
from domain.market.places.tables import EnergySource, OrderSide
from tests.api.crowd import MANY, START, Crowd, ids

QUARTER = timedelta(minutes=15)


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Deliveries with a line each, and certificates."""
    trades, users = await ids(session, Trade), await ids(session, User)
    versions = [(trades[0], version + 1) for version in range(MANY)] + [(trade, 1) for trade in trades[1:]]
    session.add_all(_delivery(trade_id, version, START) for trade_id, version in versions)
    await session.flush()
    session.add_all(_line(trade_id, version) for trade_id, version in versions)
    for number in range(MANY):
        await _certificate(session, users[0], START + number * QUARTER, START)


def _delivery(trade_id: UUID, version: int, at: datetime) -> TradeDelivery:
    return TradeDelivery(
        id=new_id(),
        trade_id=trade_id,
        version=version,
        delivered_ukwh=1_000,
        seller_short_ukwh=0,
        buyer_short_ukwh=0,
        buyer_paid_ueur=1,
        seller_received_ueur=0,
        is_provisional=False,
        settled_at=at,
    )


def _line(trade_id: UUID, version: int) -> DeliveryLine:
    return DeliveryLine(
        trade_id=trade_id,
        version=version,
        number=1,
        side=OrderSide.BUY,
        kind=LineKind.ENERGY,
        rate_ueur_per_kwh=1_000,
        energy_ukwh=1_000,
        net_ueur=1,
        vat_ppm=0,
        vat_ueur=0,
    )


async def _certificate(session: AsyncSession, owner_id: UUID, start: datetime, at: datetime) -> None:
    """Two Wh of the first user's, one of them cancelled."""
    issue = CertificateIssue(
        seller_id=owner_id,
        delivery_start=start,
        delivery_end=start + QUARTER,
        source=EnergySource.SOLAR,
        country="IT",
        issued_at=at,
    )
    session.add(issue)
    await session.flush()
    common = {"issue_id": issue.id, "actor": "test", "made_at": at}
    session.add(CertificateAct(kind=CertificateActKind.ISSUED, to_id=owner_id, energy_wh=2, **common))
    await session.flush()
    session.add(CertificateAct(kind=CertificateActKind.CANCELLED, from_id=owner_id, energy_wh=1, reason="x", **common))
    await session.flush()
