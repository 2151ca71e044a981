"""Every rule of the verification of money notices when it is broken behind the back of the database's own rules."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.ledger import accounts, answers, transfers, verification
from domain.ledger.answers import PaymentOutcome
from domain.ledger.tables import AccountKind, PaymentKind, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_debt, a_deposit, a_payment, a_submitted_payment, an_answer, the_wallet
from tests.factories.market import a_market, now

ZERO, BALANCE, BOUNDS, RESOLVED, ESCROW, PAYOUT, PAYMENT, ANSWER = verification.RULES
DEPOSIT, WITHDRAWAL = PaymentKind.DEPOSIT, PaymentKind.WITHDRAWAL


async def broken(session: AsyncSession) -> set[str]:
    return {breach.partition(": ")[0] async for breach in verification.breaches(session)}


@pytest.fixture
async def ledger(session: AsyncSession) -> AsyncSession:
    """Payments in every state and a trade in escrow, untampered; then whoever may do anything."""
    user_id = (await a_user(session)).id
    payer = Viewer(user_id=user_id)
    await a_deposit(session, user_id, "200")
    await a_debt(session, user_id, "10")
    for kind in PaymentKind:
        await a_payment(session, payer, kind)
        await a_submitted_payment(session, payer, kind)
        for outcome in PaymentOutcome:
            payment_id = await a_submitted_payment(session, payer, kind)
            reason = "DECLINED" if outcome is PaymentOutcome.FAILED else None
            await answers.record(session, an_answer(payment_id, outcome=outcome, reason=reason), now=now())
    await in_escrow(session, user_id)
    await session.flush()
    assert await broken(session) == set()
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    await session.execute(text("SET LOCAL ROLE NONE"))
    await session.execute(text("SET LOCAL session_replication_role = replica"))
    return session


async def in_escrow(session: AsyncSession, user_id: UUID) -> None:
    """One trade that waits, and one that was settled."""
    market = await a_market(session)
    escrow_id = (await accounts.hold(session, [], [market])).of_scope[market, AccountKind.ESCROW]
    wallet = await the_wallet(session, user_id)
    there = {wallet.available_id: -EUR, escrow_id: EUR}
    waiting, settled = [
        NewTransfer(TransferKind.ESCROW, f"trade:{number}", there, phase=TransferPhase.PENDING) for number in (1, 2)
    ]
    back = {account_id: -amount for account_id, amount in there.items()}
    done = NewTransfer(TransferKind.SETTLEMENT, "trade:2", back, resolves_id=settled.id)
    await transfers.post(session, [waiting, settled, done], actor="test", now=now())


A_DEPOSIT = "(SELECT id FROM transfer WHERE kind = 'DEPOSIT' ORDER BY id LIMIT 1)"
TAMPERED = {
    "an amount": (
        f"UPDATE ledger_entry SET amount_ueur = 5 WHERE transfer_id = {A_DEPOSIT} AND amount_ueur > 0",
        {ZERO, BALANCE},
    ),
    "a lost transfer": (f"DELETE FROM transfer WHERE id = {A_DEPOSIT}", {ZERO}),
    "lost entries": (f"DELETE FROM ledger_entry WHERE transfer_id = {A_DEPOSIT}", {ZERO, BALANCE}),
    "a balance": ("UPDATE account SET balance_ueur = balance_ueur + 1 WHERE kind = 'AVAILABLE'", {BALANCE}),
    "an account": ("DELETE FROM account WHERE kind = 'RECEIVABLE'", {BALANCE}),
    "the escrow of a trade that waits no more": (
        "UPDATE transfer SET phase = 'POSTED' WHERE reference = 'trade:1' AND kind = 'ESCROW'",
        {ESCROW},
    ),
    "a resolution of nothing": (
        "UPDATE transfer SET phase = 'POSTED' WHERE reference = 'trade:2' AND kind = 'ESCROW'",
        {RESOLVED},
    ),
    "a lost resolution": ("UPDATE transfer SET resolves_id = NULL WHERE reference = 'trade:2'", {ESCROW}),
    "a withdrawal that ended by hand": (
        "UPDATE payment SET status = 'CANCELLED', closed_at = now() WHERE kind = 'WITHDRAWAL' AND status = 'REQUESTED'",
        {PAYOUT, PAYMENT},
    ),
    "a deposit that succeeded by hand": (
        "UPDATE payment SET status = 'SUCCEEDED', closed_at = now() WHERE kind = 'DEPOSIT' AND status = 'PROCESSING'",
        {PAYMENT, ANSWER},
    ),
    "a payment of another amount": (
        "UPDATE payment SET amount_ueur = 10000 WHERE kind = 'DEPOSIT' AND status = 'SUCCEEDED'",
        {PAYMENT},
    ),
    "a lost answer": (
        "DELETE FROM payment_event WHERE payment_id = (SELECT id FROM payment WHERE status = 'SUCCEEDED' LIMIT 1)",
        {ANSWER},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_notices_what_was_tampered_with(ledger: AsyncSession, what: str) -> None:
    statement, rules = TAMPERED[what]

    await ledger.execute(text(statement))

    assert await broken(ledger) == rules


async def test_notices_an_overdraft_where_the_constraint_was_lost(session: AsyncSession) -> None:
    await a_user(session)
    await session.execute(text("SET LOCAL ROLE NONE"))
    await session.execute(text("ALTER TABLE account DROP CONSTRAINT ck_account_never_negative"))

    await session.execute(text("UPDATE account SET balance_ueur = -1 WHERE kind = 'HELD'"))

    assert await broken(session) == {BOUNDS, BALANCE}
