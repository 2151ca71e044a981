"""Payments: asked for once, carried out when the provider says so, and refused without a trace."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.kernel.idempotency import IdempotencyKeyReused
from domain.ledger import answers, payments
from domain.ledger.answers import PaymentOutcome
from domain.ledger.limits import AmountOutOfBounds, DailyLimitReached, NotWholeCents
from domain.ledger.payments import Instruction
from domain.ledger.tables import Payment, PaymentKind, PaymentStatus, TransferKind, TransferPhase
from domain.ledger.transfers import InsufficientFunds
from domain.ledger.words import SUBMIT_PAYMENT
from tests.domain.ledger.payers import a_payer, money_of, owner_of, refused, transfers_of
from tests.factories.ledger import EUR, a_debt, a_payment, a_submitted_payment, an_answer
from tests.factories.market import now

DEPOSIT, WITHDRAWAL = PaymentKind.DEPOSIT, PaymentKind.WITHDRAWAL


# Deposits.


async def test_a_deposit_moves_money_when_the_provider_says_so(session: AsyncSession) -> None:
    payer = await a_payer(session)
    payment_id = await a_payment(session, payer, DEPOSIT, "25")
    requested = await session.get_one(Payment, payment_id)
    as_requested = requested.status, await money_of(session, payer)

    instruction = await payments.submit(session, payment_id, now=now())
    as_submitted = requested.status, await money_of(session, payer)
    is_new = await answers.record(session, an_answer(payment_id, "25"), now=now())

    assert as_requested == (PaymentStatus.REQUESTED, (0, 0, 0))
    assert (instruction, as_submitted) == (
        Instruction(payment_id, DEPOSIT, 25 * EUR),
        (PaymentStatus.PROCESSING, (0, 0, 0)),
    )
    assert (is_new, requested.status, await money_of(session, payer)) == (True, PaymentStatus.SUCCEEDED, (25, 0, 0))
    assert await transfers_of(session, payment_id) == [(TransferKind.DEPOSIT, TransferPhase.POSTED)]


async def test_a_payment_asks_for_its_job_and_leaves_audit_and_notice(session: AsyncSession) -> None:
    payer = await a_payer(session)
    payment_id = await a_submitted_payment(session, payer)
    await answers.record(session, an_answer(payment_id), now=now())

    job = (await session.scalars(select(Job).where(Job.kind == SUBMIT_PAYMENT))).one()
    query = select(AuditEntry.act, AuditEntry.actor).where(AuditEntry.subject_id == payment_id)
    acts = [tuple(row) for row in await session.execute(query.order_by(AuditEntry.sequence))]
    notice = (await session.scalars(select(Notice))).one()

    assert (job.status, job.arguments) == (JobStatus.QUEUED, {"payment_id": str(payment_id)})
    assert acts == [
        ("payment.request", payer.key),
        ("payment.submit", "payments"),
        ("payment.succeed", "provider:test"),
    ]
    assert (notice.user_id, notice.kind, notice.facts) == (
        payer.user_id,
        "PAYMENT",
        {
            "payment_id": str(payment_id),
            "kind": "DEPOSIT",
            "status": "SUCCEEDED",
            "payment_ueur": 25 * EUR,
            "amount_ueur": 25 * EUR,
            "reason": None,
        },
    )


@pytest.mark.parametrize(("debt", "left"), [("10", (15, 0, 0)), ("25", (0, 0, 0)), ("40", (0, 0, -15))])
async def test_a_deposit_repays_what_is_owed_first(
    session: AsyncSession, debt: str, left: tuple[int, int, int]
) -> None:
    payer = await a_payer(session)
    await a_debt(session, owner_of(payer), debt)
    payment_id = await a_submitted_payment(session, payer)

    await answers.record(session, an_answer(payment_id), now=now())

    assert await money_of(session, payer) == left
    assert await transfers_of(session, payment_id) == [
        (TransferKind.DEPOSIT, TransferPhase.POSTED),
        (TransferKind.REPAYMENT, TransferPhase.POSTED),
    ]


async def test_a_failed_deposit_moves_nothing(session: AsyncSession) -> None:
    payer = await a_payer(session)
    payment_id = await a_submitted_payment(session, payer)

    await answers.record(session, an_answer(payment_id, outcome=PaymentOutcome.FAILED, reason="DECLINED"), now=now())

    payment = await session.get_one(Payment, payment_id)
    assert (payment.status, payment.failure_reason) == (PaymentStatus.FAILED, "DECLINED")
    assert payment.closed_at is not None
    assert await money_of(session, payer) == (0, 0, 0)
    assert await transfers_of(session, payment_id) == []


# Withdrawals.


async def test_a_withdrawal_is_set_aside_at_once_and_paid_out_when_the_provider_says_so(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")
    payment_id = await a_submitted_payment(session, payer, WITHDRAWAL)
    set_aside = await money_of(session, payer)

    await answers.record(session, an_answer(payment_id), now=now())

    assert (set_aside, await money_of(session, payer)) == ((5, 0, 0), (5, 0, 0))
    assert await transfers_of(session, payment_id) == [
        (TransferKind.WITHDRAWAL, TransferPhase.PENDING),
        (TransferKind.PAYOUT, TransferPhase.POSTED),
    ]


async def test_a_failed_withdrawal_is_available_again(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")
    payment_id = await a_submitted_payment(session, payer, WITHDRAWAL)

    await answers.record(
        session, an_answer(payment_id, outcome=PaymentOutcome.FAILED, reason="ACCOUNT_CLOSED"), now=now()
    )

    assert await money_of(session, payer) == (30, 0, 0)
    assert await transfers_of(session, payment_id) == [
        (TransferKind.WITHDRAWAL, TransferPhase.PENDING),
        (TransferKind.PAYOUT, TransferPhase.VOIDING),
    ]


async def test_more_than_is_available_is_not_paid_out(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")

    refusal = await refused(session, InsufficientFunds, lambda: a_payment(session, payer, WITHDRAWAL, "30.01"))

    assert (refusal.required_ueur, refusal.available_ueur) == (30_010_000, 30 * EUR)


async def test_what_is_owed_is_not_paid_out(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")
    await a_debt(session, owner_of(payer), "10")

    refusal = await refused(session, InsufficientFunds, lambda: a_payment(session, payer, WITHDRAWAL, "20.01"))
    await a_payment(session, payer, WITHDRAWAL, "20")

    assert (refusal.required_ueur, refusal.available_ueur) == (20_010_000, 20 * EUR)
    assert await money_of(session, payer) == (10, 0, -10)


# Requests.


async def test_the_same_request_again_gives_the_same_payment(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")

    first = await a_payment(session, payer, WITHDRAWAL, "20", key="a key")
    again = await a_payment(session, payer, WITHDRAWAL, "20", key="a key")

    assert first == again
    assert await money_of(session, payer) == (10, 0, 0)
    await refused(session, IdempotencyKeyReused, lambda: a_payment(session, payer, WITHDRAWAL, "5", key="a key"))
    await refused(session, IdempotencyKeyReused, lambda: a_payment(session, payer, DEPOSIT, "20", key="a key"))


@pytest.mark.parametrize(
    ("eur", "error"),
    [
        ("0", AmountOutOfBounds),
        ("-25", AmountOutOfBounds),
        ("0.99", AmountOutOfBounds),
        ("5000.01", AmountOutOfBounds),
        ("9000000000000", AmountOutOfBounds),
        ("25.001", NotWholeCents),
        ("25.000001", NotWholeCents),
    ],
)
@pytest.mark.parametrize("kind", PaymentKind)
async def test_amounts_that_may_not_be_paid(
    session: AsyncSession, kind: PaymentKind, eur: str, error: type[DomainError]
) -> None:
    payer = await a_payer(session, "6000")

    await refused(session, error, lambda: a_payment(session, payer, kind, eur))


@pytest.mark.parametrize("key", ["", "k" * 201, "a\x00"])
async def test_what_is_no_key(session: AsyncSession, key: str) -> None:
    payer = await a_payer(session)
    act = payments.request(session, payer, key, DEPOSIT, 25 * EUR, now=now())

    await refused(session, InvalidValue, lambda: act)


async def test_so_much_is_paid_within_24_hours(session: AsyncSession) -> None:
    payer, at = await a_payer(session), now()
    await a_payment(session, payer, DEPOSIT, "4000", at=at - timedelta(hours=25))
    failed = await a_payment(session, payer, DEPOSIT, "3000", at=at - timedelta(hours=2))
    await payments.refuse(session, failed, "NO_PROVIDER", now=at)
    for eur in ("5000", "4000"):
        await a_payment(session, payer, DEPOSIT, eur, at=at - timedelta(hours=1))

    refusal = await refused(session, DailyLimitReached, lambda: a_payment(session, payer, DEPOSIT, "1000.01", at=at))
    await a_payment(session, payer, DEPOSIT, "1000", at=at)

    assert (refusal.limit_ueur, refusal.used_ueur) == (10_000 * EUR, 9_000 * EUR)


async def test_applications_do_not_pay(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")
    key = Viewer(payer.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER, scopes=frozenset({"trade"}))
    payment_id = await a_payment(session, payer)

    await refused(session, NotAllowed, lambda: a_payment(session, key, WITHDRAWAL))
    await refused(session, NotAllowed, lambda: a_payment(session, Viewer(), DEPOSIT))
    await refused(session, NotFound, lambda: payments.cancel(session, key, payment_id, now=now()))
