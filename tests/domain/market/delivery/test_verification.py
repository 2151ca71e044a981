"""`verify` finds every way in which deliveries, their money and certificates could have been tampered with."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from domain.market.delivery import certificates, verification
from domain.market.places.tables import EnergySource
from tests.factories.deliveries import AFTER, NOON, Party, a_party, a_trade, injected, look, withdrew
from tests.factories.market import a_market

# What the owner of the database does behind our back, and the rule by which it is found.
TAMPERINGS = {
    "more delivered": ("UPDATE trade_delivery SET delivered_ukwh = delivered_ukwh + 1", "make up the trade"),
    "a version left out": ("UPDATE trade_delivery SET version = 3", "in versions without gaps"),
    "less metered": (
        "UPDATE reading SET values_ukwh = array_fill(0::bigint, ARRAY[96]), total_ukwh = 0, received_at = 'epoch'",
        "nobody sold more than was injected",
    ),
    "a dearer line": ("UPDATE delivery_line SET net_ueur = net_ueur + 1", "a line's amounts are its energy"),
    "another total": ("UPDATE trade_delivery SET buyer_paid_ueur = 1", "paid and received are its lines"),
    "another amount moved": (
        "UPDATE ledger_entry SET amount_ueur = amount_ueur - 1 WHERE transfer_id IN (SELECT transfer_id FROM "
        "trade_delivery) AND holder_id IN (SELECT seller_id FROM trade)",
        "what transfers gave the sides",
    ),
    "an escrow that waits on": (
        "DELETE FROM ledger_entry WHERE transfer_id IN (SELECT transfer_id FROM trade_delivery); "
        "DELETE FROM transfer WHERE id IN (SELECT transfer_id FROM trade_delivery)",
        "the escrow of a trade waits until",
    ),
    "a delivery left out": (
        "DELETE FROM delivery_line; DELETE FROM trade_delivery",
        "the escrow of a trade waits until",
    ),
    "more certified": ("UPDATE certificate_holding SET owned_wh = owned_wh + 1", "certified is what was delivered"),
    "a Wh of nobody's gift": ("UPDATE certificate_act SET energy_wh = energy_wh + 1", "is what acts gave them"),
}


async def a_settled_hour(session: AsyncSession) -> tuple[Party, Party]:
    """One trade of 1 kWh of solar energy at 0.2, delivered, settled and certified; all was told."""
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await injected(session, seller, "1")
    await withdrew(session, buyer, "1")
    await a_trade(session, market, seller, buyer, "1", "0.2", source=EnergySource.SOLAR)
    await look(session)
    await certificates.certify(session, NOON, actor="test", now=AFTER)
    await session.execute(text("UPDATE delivery_hour SET has_news = false"))
    return seller, buyer


async def test_a_settled_hour_breaks_no_rule(session: AsyncSession) -> None:
    await a_settled_hour(session)

    assert [breach async for breach in verification.breaches(session)] == []


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_found(fresh_database: str, name: str) -> None:
    tampering, told = TAMPERINGS[name]
    engine = create_async_engine(fresh_database)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await a_settled_hour(session)
        await session.execute(text("SET LOCAL session_replication_role = replica"))  # Without triggers.
        for statement in tampering.split("; "):
            await session.execute(text(statement))

        found = [breach async for breach in verification.breaches(session)]

        assert any(told in breach for breach in found), found
    await engine.dispose()


def test_every_rule_is_broken_by_some_tampering() -> None:
    assert [rule for rule in verification.RULES if not any(told in rule for _, told in TAMPERINGS.values())] == []
