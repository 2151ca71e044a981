"""Settlement of trades by what was metered: who gets what out of the escrow, once, and what corrections move."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.ledger import accounts, transfers
from domain.ledger.tables import AccountKind, Transfer, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from domain.market.clearing.tables import Trade
from domain.market.delivery import hours, news
from domain.market.delivery.tables import DeliveryLine
from domain.market.places.tables import ChargeKind, OrderSide
from domain.metering.tables import Direction
from tests.domain.market.delivery.settled import terms, the_pair, versions
from tests.factories.communities import a_community
from tests.factories.deliveries import (
    AFTER,
    DAY,
    NOON,
    QUARTER,
    Party,
    a_charge,
    a_party,
    a_trade,
    balances,
    injected,
    look,
    of_market,
    withdrew,
)
from tests.factories.market import a_market
from tests.factories.metering import a_reading_day, recorded, values

ESCROW, FEE, GRID, TAX, ROUNDING = (
    *(AccountKind.ESCROW, AccountKind.FEE, AccountKind.GRID),
    *(AccountKind.TAX, AccountKind.ROUNDING),
)
FUND = AccountKind.COMMUNITY_FUND


async def moved(session: AsyncSession, trade: Trade) -> list[tuple[TransferKind, TransferPhase]]:
    query = select(Transfer.kind, Transfer.phase).where(Transfer.subject_id == trade.id).order_by(Transfer.made_at)
    return [(row.kind, row.phase) for row in await session.execute(query)]


async def test_what_was_delivered_is_paid_and_the_escrow_is_empty(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    trade = await a_trade(session, market, seller, buyer, "1", "0.2")

    recorded = await look(session)

    assert recorded == 1
    assert await versions(session, trade) == [(1, 1_000_000, 0, 0)]
    assert await balances(session, seller) == (200_000, 0, 0)
    assert await balances(session, buyer) == (0, 0, 0)
    assert await of_market(session, market, ESCROW, FEE, GRID, TAX, ROUNDING) == [0, 0, 0, 0, 0]
    assert await moved(session, trade) == [
        (TransferKind.ESCROW, TransferPhase.PENDING),
        (TransferKind.SETTLEMENT, TransferPhase.POSTED),
    ]


async def test_fees_network_charges_fund_and_vat_go_to_their_accounts(session: AsyncSession) -> None:
    community = await a_community(session)
    market, sellers_market = await a_market(session), await a_market(session)
    await terms(session, market, energy_vat_ppm=100_000)
    await a_charge(session, market, ChargeKind.FEE, OrderSide.BUY, "0.01", vat_ppm=200_000)
    await a_charge(session, market, ChargeKind.COMMUNITY_FUND, OrderSide.BUY, "0.005", community_id=community.id)
    await a_charge(session, sellers_market, ChargeKind.NETWORK, OrderSide.SELL, "0.02")
    seller, buyer = await the_pair(session)
    trade = await a_trade(
        session, market, seller, buyer, "1", "0.2", seller_market_id=sellers_market, seller_price="0.15"
    )

    await look(session)

    assert trade.buyer_escrow_ueur == 237_000  # 0.2 + 10 % VAT, fee 0.01 + 20 %, fund 0.005.
    assert await of_market(session, market, ESCROW, FEE, GRID, TAX) == [0, 10_000, 50_000, 22_000]
    assert await of_market(session, sellers_market, FEE, GRID, TAX) == [0, 20_000, 0]
    assert await of_market(session, community.id, FUND) == [5_000]
    assert await balances(session, seller) == (130_000, 0, 0)
    assert await balances(session, buyer) == (0, 0, 0)


async def test_what_the_seller_fell_short_of_is_returned_with_the_penalty(session: AsyncSession) -> None:
    market = await a_market(session)
    await terms(session, market, penalty_ueur_per_kwh=50_000)
    seller, buyer = await the_pair(session, sold="0.4")
    trade = await a_trade(session, market, seller, buyer, "1", "0.2")

    await look(session)

    assert (trade.buyer_escrow_ueur, trade.seller_escrow_ueur) == (200_000, 50_000)
    assert await versions(session, trade) == [(1, 400_000, 600_000, 0)]
    assert await balances(session, buyer) == (150_000, 0, 0)  # 0.12 returned, and 0.03 of penalty.
    assert await balances(session, seller) == (100_000, 0, 0)  # 0.08 of price, 0.05 of escrow, less 0.03.


async def test_a_buyer_that_withdrew_less_pays_the_penalty(session: AsyncSession) -> None:
    market = await a_market(session)
    await terms(session, market, penalty_ueur_per_kwh=50_000)
    seller, buyer = await the_pair(session, bought="0.4")
    trade = await a_trade(session, market, seller, buyer, "1", "0.2")

    await look(session)

    assert await versions(session, trade) == [(1, 400_000, 0, 600_000)]
    assert await balances(session, buyer) == (90_000, 0, 0)
    assert await balances(session, seller) == (160_000, 0, 0)


async def test_an_escrow_that_goes_back_as_it_came_is_voided(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session, sold="0")
    trade = await a_trade(session, market, seller, buyer)

    await look(session)

    assert await balances(session, buyer) == (200_000, 0, 0)
    assert (await moved(session, trade))[-1] == (TransferKind.SETTLEMENT, TransferPhase.VOIDING)
    assert not (await session.scalars(select(DeliveryLine))).all()


async def test_earlier_trades_are_delivered_first_whatever_their_market(session: AsyncSession) -> None:
    first_market, second_market = await a_market(session), await a_market(session)
    seller, buyer = await the_pair(session, sold="1.5", bought="9")
    late = await a_trade(session, first_market, seller, buyer, "1", batch=20)
    early = await a_trade(session, second_market, seller, buyer, "1", batch=10)

    await look(session)

    assert await versions(session, early) == [(1, 1_000_000, 0, 0)]
    assert await versions(session, late) == [(1, 500_000, 500_000, 0)]


async def test_energy_of_half_hour_readings_is_split_over_its_quarters(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session, sold=None, bought="5")
    half_hours = [0] * 48
    half_hours[24] = 1_000_001
    day = a_reading_day(seller.point.id, direction=Direction.INJECTED, day=DAY, values_ukwh=values(half_hours, 48))
    await recorded(session, day)
    await withdrew(session, buyer, "5", "5")
    first = await a_trade(session, market, seller, buyer, "1")
    second = await a_trade(session, market, seller, buyer, "1", start=NOON + QUARTER)

    await look(session)

    assert await versions(session, first) == [(1, 500_001, 499_999, 0)]
    assert await versions(session, second) == [(1, 500_000, 500_000, 0)]


async def test_a_corrected_reading_moves_the_difference(session: AsyncSession) -> None:
    market = await a_market(session)
    await terms(session, market, penalty_ueur_per_kwh=50_000)
    seller, buyer = await the_pair(session)
    trade = await a_trade(session, market, seller, buyer, "1", "0.2")
    await look(session)

    await injected(session, seller, "0.4")
    await hours.note_arrivals(session, now=AFTER + timedelta(days=30))
    due = await hours.due(session, now=AFTER + timedelta(days=31))
    recorded = await look(session, now=AFTER + timedelta(days=31))

    assert (due, recorded) == ([NOON], 1)
    assert await versions(session, trade) == [(1, 1_000_000, 0, 0), (2, 400_000, 600_000, 0)]
    assert await balances(session, buyer) == (150_000, 0, 0)
    assert await balances(session, seller) == (100_000, 0, 0)
    assert (await moved(session, trade))[-1] == (TransferKind.CORRECTION, TransferPhase.POSTED)


async def test_what_is_to_be_paid_back_and_is_not_there_becomes_debt_and_is_paid_first(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    trade = await a_trade(session, market, seller, buyer, "1", "0.2")
    await look(session)
    await spend(session, seller, 150_000)

    await injected(session, seller, "0")
    await look(session, now=AFTER + timedelta(days=1))
    owing = await balances(session, seller)
    await injected(session, seller, "0.9")
    await look(session, now=AFTER + timedelta(days=2))

    assert owing == (0, 0, -150_000)
    assert await balances(session, seller) == (30_000, 0, 0)
    assert await balances(session, buyer) == (20_000, 0, 0)
    assert [version for version, *_ in await versions(session, trade)] == [1, 2, 3]


async def spend(session: AsyncSession, party: Party, amount_ueur: int) -> None:
    """Take from what a party has available."""
    wallet = (await accounts.hold(session, [party.user_id])).wallets[party.user_id]
    external = await accounts.platform(session, AccountKind.EXTERNAL)
    amounts = {wallet.available_id: -amount_ueur, external: amount_ueur}
    payout = NewTransfer(TransferKind.PAYOUT, f"test:{party.user_id}", amounts)
    await transfers.post(session, [payout], actor="test", now=AFTER)


async def test_a_trade_without_escrow_is_delivered_and_moves_no_money(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    trade = await a_trade(session, market, seller, buyer, "1", "0")

    await look(session)

    assert await versions(session, trade) == [(1, 1_000_000, 0, 0)]
    assert await moved(session, trade) == []


async def test_a_point_that_two_users_share_is_counted_for_the_first(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    other = await a_party(session)
    await share_point(session, seller, other)
    trade = await a_trade(session, market, seller, buyer, batch=2)
    of_other = await a_trade(session, market, other, buyer, batch=1)
    await withdrew(session, other, "0")
    await injected(session, other, "0")

    await look(session)

    assert await versions(session, trade) == [(1, 1_000_000, 0, 0)]
    assert await versions(session, of_other) == [(1, 0, 1_000_000, 0)]


async def share_point(session: AsyncSession, holder: Party, other: Party) -> None:
    """Let another user's membership bring half of a point, too."""
    await session.execute(
        text("""INSERT INTO participation (id, community_id, membership_id, member_id, metering_point_id, factor_ppm,
                                           valid_from)
                SELECT gen_random_uuid(), community_id, membership_id, member_id, :point, 500000, valid_from + 1
                FROM participation WHERE metering_point_id = :own"""),
        {"point": holder.point.id, "own": other.point.id},
    )


async def test_both_parties_are_told_once_of_all_that_was_settled(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    await withdrew(session, buyer, "1", "1")
    await injected(session, seller, "1", "1")
    for start in (NOON, NOON + QUARTER):
        await a_trade(session, market, seller, buyer, "1", "0.2", start=start)
    await look(session)

    told = await news.tell(session, now=AFTER + timedelta(seconds=1))
    again = await news.tell(session, now=AFTER + timedelta(seconds=2))

    assert (told, again) == (2, 0)
    facts: dict[Any, Any] = {
        row.user_id: row.facts for row in await session.execute(text("SELECT user_id, facts FROM notice"))
    }
    assert facts[seller.user_id] | {"delivery_start": "", "delivery_end": ""} == {
        "trades": 2,
        "corrections": 0,
        "delivery_start": "",
        "delivery_end": "",
        "delivered_ukwh": 2_000_000,
        "short_ukwh": 0,
        "amount_ueur": 400_000,
        "trade_id": None,
        "market_id": str(market),
    }
    assert facts[buyer.user_id]["amount_ueur"] == -400_000


async def test_the_audit_log_tells_what_was_settled_in_each_interval(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    await a_trade(session, market, seller, buyer, "1", "0.2")

    await look(session)

    query = select(AuditEntry).where(AuditEntry.act == "delivery.settle", AuditEntry.subject_id == market)
    entry = (await session.scalars(query)).one()
    (interval,) = entry.facts["intervals"]
    assert {
        name: interval[name] for name in ("trades", "corrections", "delivered_ukwh", "short_ukwh", "paid_ueur")
    } == {
        "trades": 1,
        "corrections": 0,
        "delivered_ukwh": 1_000_000,
        "short_ukwh": 0,
        "paid_ueur": 200_000,
    }


@pytest.mark.parametrize("table", ["trade_delivery", "delivery_line"])
async def test_what_was_settled_is_never_edited(session: AsyncSession, table: str) -> None:
    market = await a_market(session)
    seller, buyer = await the_pair(session)
    await a_trade(session, market, seller, buyer)
    await look(session)

    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        async with session.begin_nested():
            await session.execute(text(f"UPDATE {table} SET version = 9"))
