"""Monthly statements: lines, rounding, VAT, reconciliation with the ledger, and credit notes."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.quantities import parse_micro
from domain.market.places.charges import LineKind
from domain.market.places.tables import ChargeKind, OrderSide
from domain.market.statements import billing
from domain.market.statements.billing import MonthNotOver
from domain.market.statements.lines import Line, LineKey, Stated, Sums, half_up
from domain.market.statements.tables import AccountStatement, StatementKind, StatementLine
from tests.factories.deliveries import Party, a_charge, a_party, a_trade, injected, look, withdrew
from tests.factories.market import a_market

BUY, SELL = OrderSide.BUY, OrderSide.SELL
MONTH = date(2026, 11, 1)
OVER = datetime(2026, 12, 2, tzinfo=UTC)
ZONE = "Europe/Luxembourg"


async def state(session: AsyncSession, *parties: Party, now: datetime = OVER) -> int:
    ids = [party.user_id for party in parties]
    return await billing.make(session, MONTH, ZONE, ids, actor="test", now=now)


async def documents(session: AsyncSession, party: Party) -> list[AccountStatement]:
    query = select(AccountStatement).where(AccountStatement.user_id == party.user_id).order_by(AccountStatement.id)
    return list(await session.scalars(query))


async def lines(session: AsyncSession, statement_id: UUID) -> list[tuple[object, ...]]:
    return [
        (line.side, line.kind, line.energy_ukwh, line.net_ueur, line.vat_ppm, line.net_cents, line.vat_cents)
        for line in await billing.lines_of(session, statement_id)
    ]


@pytest.mark.parametrize(
    ("kwh", "cents_per_kwh", "net", "vat"),
    [("3355.33", "7.77", 26_071, 2_607), ("4477.45", "9.66", 43_252, 4_325)],
)
def test_a_line_is_rounded_half_up_to_the_cent(kwh: str, cents_per_kwh: str, net: int, vat: int) -> None:
    """Two lines of a published bill (eegfaktura-billing): net 693.23, gross 762.55 EUR."""
    energy = parse_micro(kwh)
    exact = energy * parse_micro(cents_per_kwh) // 10**8
    line = Line(LineKey(UUID(int=1), BUY, LineKind.ENERGY, 100_000), Sums(energy, exact, exact // 10))

    assert (line.net_cents, line.vat_cents) == (net, vat)
    assert 26_071 + 43_252 == 69_323
    assert 69_323 + 2_607 + 4_325 == 76_255


@pytest.mark.parametrize(("value", "rounded"), [(5, 1), (4, 0), (-5, -1), (-4, 0), (15, 2), (-15, -2), (0, 0)])
def test_ties_are_rounded_away_from_zero(value: int, rounded: int) -> None:
    assert half_up(value, 10) == rounded


async def test_a_month_is_stated_by_line_and_reconciled_to_the_ledger(session: AsyncSession) -> None:
    market = await a_market(session, energy_vat_ppm=81_000, penalty_ueur_per_kwh=30_000)
    await a_charge(session, market, ChargeKind.NETWORK, BUY, "0.0333", vat_ppm=170_000)
    await a_charge(session, market, ChargeKind.FEE, SELL, "0.01", vat_ppm=170_000)
    seller, buyer = await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer, "1.5", "0.1234")
    await injected(session, seller, "1")
    await withdrew(session, buyer, "2")
    await look(session)

    made = await state(session, seller, buyer)

    (bought,), (sold,) = await documents(session, buyer), await documents(session, seller)
    assert made == 2
    assert await lines(session, bought.id) == [
        (BUY, LineKind.ENERGY, 1_000_000, 123_400, 81_000, 12, 1),
        (BUY, LineKind.NETWORK, 1_000_000, 33_300, 170_000, 3, 1),
        (BUY, LineKind.PENALTY, 500_000, -15_000, 0, -2, 0),
    ]
    assert await lines(session, sold.id) == [
        (SELL, LineKind.ENERGY, 1_000_000, -123_400, 0, -12, 0),
        (SELL, LineKind.FEE, 1_000_000, 10_000, 170_000, 1, 0),
        (SELL, LineKind.PENALTY, 500_000, 15_000, 0, 2, 0),
    ]
    assert bought.ledger_ueur == 123_400 + 9_995 + 33_300 + 5_661 - 15_000
    assert (bought.net_cents, bought.vat_cents, bought.total_cents) == (13, 2, 15)
    assert bought.total_cents * 10_000 == bought.ledger_ueur + bought.rounding_ueur
    assert await _paid(session, buyer) == bought.ledger_ueur
    assert -await _paid(session, seller, "seller_received_ueur") == sold.ledger_ueur


async def _paid(session: AsyncSession, party: Party, column: str = "buyer_paid_ueur") -> int:
    """What settlement moved for a party, by its newest versions."""
    side = "buyer_id" if column == "buyer_paid_ueur" else "seller_id"
    query = f"""
        SELECT sum({column})::bigint FROM trade JOIN trade_delivery AS made ON made.trade_id = trade.id
        WHERE {side} = :user_id
          AND version = (SELECT max(version) FROM trade_delivery WHERE trade_id = trade.id)"""
    return int((await session.execute(text(query), {"user_id": party.user_id})).scalar_one())


async def test_stating_a_month_twice_changes_nothing(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer)
    await injected(session, seller, "1")
    await withdrew(session, buyer, "1")
    await look(session)

    assert [await state(session, seller, buyer) for _ in range(2)] == [2, 0]


async def test_a_month_waits_until_its_deliveries_are_settled(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer)

    assert await state(session, seller, buyer) == 0
    assert await session.scalar(select(func.count()).select_from(AccountStatement)) == 0


async def test_corrected_readings_bring_a_credit_note(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer, "2", "0.25")
    await injected(session, seller, "2")
    await withdrew(session, buyer, "2")
    await look(session)
    await state(session, seller, buyer)
    await injected(session, seller, "1.5")
    await look(session, now=OVER + timedelta(hours=1))

    made = await state(session, seller, buyer, now=OVER + timedelta(days=1))

    first, note = await documents(session, buyer)
    assert made == 2
    assert (first.kind, first.total_cents) == (StatementKind.STATEMENT, 50)
    assert (note.kind, note.corrects_id, note.total_cents) == (StatementKind.CREDIT_NOTE, first.id, -12)
    assert await lines(session, note.id) == [(BUY, LineKind.ENERGY, -500_000, -125_000, 0, -12, 0)]
    assert await _paid(session, buyer) == first.ledger_ueur + note.ledger_ueur
    assert await state(session, seller, buyer, now=OVER + timedelta(days=2)) == 0


KEY = LineKey(UUID(int=1), BUY, LineKind.ENERGY, 81_000)
AMOUNTS = st.integers(-(10**9), 10**9)


@given(amounts=st.lists(AMOUNTS | st.integers(-20_000, 20_000), min_size=1, max_size=12))
def test_documents_add_up_to_the_ledger_rounded_once_however_often_it_was_corrected(amounts: list[int]) -> None:
    stated = Stated()
    for amount in amounts:
        owed = Sums(amount, amount, round(amount * 0.081))
        line = Line(KEY, owed, stated)
        if line.is_news:
            sums = Sums(owed.energy_ukwh, owed.net_ueur, owed.vat_ueur)
            assert stated == Stated() or line.net_cents or line.vat_cents
            stated = Stated(sums, stated.net_cents + line.net_cents, stated.vat_cents + line.vat_cents)

        net = half_up(amount, 10_000)
        assert (stated.net_cents, stated.vat_cents) == (net, half_up(net * 81_000, 10**6))


async def test_a_correction_below_a_cent_brings_no_document(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer, "2", "0.25")
    await injected(session, seller, "2")
    await withdrew(session, buyer, "2")
    await look(session)
    await state(session, seller, buyer)
    notes = []
    for hours, metered in enumerate(("1.99", "1.98", "1.97"), 1):  # Half a cent is rounded up, less is not.
        await injected(session, seller, metered)
        await look(session, now=OVER + timedelta(hours=hours))
        notes.append(await state(session, seller, buyer, now=OVER + timedelta(days=hours)))

    first, note = await documents(session, buyer)
    assert notes == [0, 0, 2]
    assert (first.total_cents, note.total_cents, note.ledger_ueur) == (50, -1, -7_500)
    assert first.ledger_ueur + note.ledger_ueur == await _paid(session, buyer)


async def test_a_month_that_is_not_over_is_not_stated(session: AsyncSession) -> None:
    """December begins in Luxembourg an hour before it does in UTC."""
    with pytest.raises(MonthNotOver):
        await billing.make(session, MONTH, ZONE, [], actor="test", now=datetime(2026, 11, 30, 22, 59, tzinfo=UTC))

    assert await billing.make(session, MONTH, ZONE, [], actor="test", now=datetime(2026, 11, 30, 23, tzinfo=UTC)) == 0


async def test_users_are_grouped_by_the_timezone_of_their_community(session: AsyncSession) -> None:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer)

    found = await billing.timezones(session, MONTH)

    assert found == {ZONE: sorted([seller.user_id, buyer.user_id])}


@pytest.mark.parametrize("table", [AccountStatement, StatementLine])
async def test_a_final_document_cannot_be_changed(session: AsyncSession, table: type) -> None:
    market, seller, buyer = await a_market(session), await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer)
    await injected(session, seller, "1")
    await withdrew(session, buyer, "1")
    await look(session)
    await state(session, seller, buyer)

    with pytest.raises(DBAPIError, match="permission denied"):
        async with session.begin_nested():
            await session.execute(text(f"UPDATE {table.__tablename__} SET net_cents = 0"))  # type: ignore[attr-defined]

    assert len(await documents(session, buyer)) == 1
