"""Payments: asked for once, carried out when the provider answers, and refused without a trace."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.kernel.idempotency import IdempotencyKeyReused
from domain.kernel.tables import Base
from domain.ledger import answers, payments
from domain.ledger.answers import EventIdReused, NotYetAsked, PaymentOutcome, WrongAmount
from domain.ledger.limits import AmountOutOfBounds, DailyLimitReached, NotWholeCents
from domain.ledger.payments import Instruction, PaymentClosed
from domain.ledger.tables import (
    Payment,
    PaymentEvent,
    PaymentKind,
    PaymentStatus,
    Transfer,
    TransferKind,
    TransferPhase,
)
from domain.ledger.transfers import InsufficientFunds
from domain.ledger.words import SUBMIT_PAYMENT
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_debt, a_deposit, a_payment, a_submitted_payment, an_answer, the_wallet
from tests.factories.market import now

DEPOSIT, WITHDRAWAL = PaymentKind.DEPOSIT, PaymentKind.WITHDRAWAL


async def a_payer(session: AsyncSession, eur: str = "") -> Viewer:
    """A signed-in person without a market's million; with some money where it is given."""
    payer = Viewer(user_id=(await a_user(session)).id)
    if eur:
        await a_deposit(session, owner_of(payer), eur)
    return payer


def owner_of(viewer: Viewer) -> UUID:
    assert viewer.user_id is not None
    return viewer.user_id


async def money_of(session: AsyncSession, viewer: Viewer) -> tuple[int, int, int]:
    """Available, held, receivable, EUR."""
    wallet = await the_wallet(session, owner_of(viewer))
    return wallet.available_ueur // EUR, wallet.held_ueur // EUR, wallet.receivable_ueur // EUR


async def transfers_of(session: AsyncSession, payment_id: UUID) -> list[tuple[TransferKind, TransferPhase]]:
    query = select(Transfer.kind, Transfer.phase).where(Transfer.subject_id == payment_id).order_by(Transfer.id)
    return [(kind, phase) for kind, phase in await session.execute(query)]


async def stored(session: AsyncSession) -> dict[str, Any]:
    """Of each table how many rows it has and a sum of their digests."""
    await session.flush()
    return {
        name: (await session.execute(text(f"SELECT count(*), sum(hashtext(t::text)::bigint) FROM {name} t"))).one()
        for name in Base.metadata.tables
    }


async def refused(session: AsyncSession, error: type[DomainError], act: Any) -> Any:
    """The refusal; nothing was changed by it."""
    before = await stored(session)
    with pytest.raises(error) as told:
        async with session.begin_nested():
            await act()
    assert await stored(session) == before
    return told.value


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


# Stopping.


async def test_a_payment_is_stopped_before_the_provider_is_asked(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")
    payment_id = await a_payment(session, payer, WITHDRAWAL)

    await payments.cancel(session, payer, payment_id, now=now())

    payment = await session.get_one(Payment, payment_id)
    assert (payment.status, await money_of(session, payer)) == (PaymentStatus.CANCELLED, (30, 0, 0))
    assert await payments.submit(session, payment_id, now=now()) is None
    assert await session.scalar(select(func.count()).select_from(Notice)) == 0


async def test_a_payment_that_is_with_the_provider_or_another_is_not_stopped(session: AsyncSession) -> None:
    payer, other = await a_payer(session, "30"), await a_payer(session)
    payment_id = await a_submitted_payment(session, payer, WITHDRAWAL)

    refusal = await refused(session, PaymentClosed, lambda: payments.cancel(session, payer, payment_id, now=now()))
    await refused(session, NotFound, lambda: payments.cancel(session, other, payment_id, now=now()))
    await refused(session, NotFound, lambda: payments.cancel(session, payer, new_id(), now=now()))

    assert refusal.status is PaymentStatus.PROCESSING


async def test_a_payment_without_a_provider_is_given_back(session: AsyncSession) -> None:
    payer = await a_payer(session, "30")
    payment_id = await a_payment(session, payer, WITHDRAWAL)

    await payments.refuse(session, payment_id, "NO_PROVIDER", now=now())

    assert (await session.get_one(Payment, payment_id)).failure_reason == "NO_PROVIDER"
    assert await money_of(session, payer) == (30, 0, 0)


async def test_a_provider_is_asked_again_once_a_minute_until_it_answers(session: AsyncSession) -> None:
    payer, at = await a_payer(session), now()
    lost = await a_submitted_payment(session, payer)
    answered = await a_submitted_payment(session, payer)
    await answers.record(session, an_answer(answered), now=at)
    await session.execute(update(Job).values(status=JobStatus.FAILED))

    asked = [
        await payments.ask_neglected(session, now=at + timedelta(seconds=seconds)) for seconds in (30, 62, 63, 123)
    ]

    waiting = select(Job.arguments).where(Job.status == JobStatus.QUEUED)
    assert asked == [0, 1, 0, 1]
    assert list(await session.scalars(waiting)) == [{"payment_id": str(lost)}]
    assert await payments.submit(session, lost, now=at) == Instruction(lost, DEPOSIT, 25 * EUR)


# Answers that do not fit.


async def test_an_answer_counts_once(session: AsyncSession) -> None:
    payer = await a_payer(session)
    payment_id = await a_submitted_payment(session, payer)
    answer = an_answer(payment_id)
    assert await answers.record(session, answer, now=now())
    before = await stored(session)

    is_new = await answers.record(session, answer, now=now())

    assert not is_new
    assert await stored(session) == before


async def test_answers_that_do_not_fit_change_nothing(session: AsyncSession) -> None:
    payer = await a_payer(session)
    requested, processing, ended = [
        await a_payment(session, payer),
        await a_submitted_payment(session, payer),
        await a_submitted_payment(session, payer),
    ]
    await answers.record(session, an_answer(ended, event_id="used"), now=now())

    async def told(error: type[DomainError], payment_id: UUID, **overrides: Any) -> Any:
        answer = an_answer(payment_id, **overrides)
        return await refused(session, error, lambda: answers.record(session, answer, now=now()))

    await told(NotFound, new_id())
    await told(NotYetAsked, requested)
    await told(NotYetAsked, requested, outcome=PaymentOutcome.FAILED, reason="DECLINED")
    await told(PaymentClosed, ended)
    await told(PaymentClosed, ended, outcome=PaymentOutcome.FAILED, reason="DECLINED")
    await told(EventIdReused, ended, event_id="used", body_digest=b"another")
    await told(EventIdReused, processing, event_id="used")
    wrong = await told(WrongAmount, processing, eur="25.01")
    assert (wrong.expected_ueur, wrong.given_ueur) == (25 * EUR, 25_010_000)


async def test_an_answer_that_came_too_early_is_taken_later(session: AsyncSession) -> None:
    payer = await a_payer(session)
    payment_id = await a_payment(session, payer)
    answer = an_answer(payment_id)
    await refused(session, NotYetAsked, lambda: answers.record(session, answer, now=now()))

    await payments.submit(session, payment_id, now=now())

    assert await answers.record(session, answer, now=now())
    assert await money_of(session, payer) == (25, 0, 0)


# What the database itself keeps.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment SET amount_ueur = 2 * amount_ueur",
        "UPDATE payment SET owner_id = (SELECT id FROM user_account WHERE id <> owner_id LIMIT 1)",
        "UPDATE payment SET status = 'PROCESSING', closed_at = NULL",
        "DELETE FROM payment",
        "UPDATE payment_event SET id = 'another'",
        "DELETE FROM payment_event",
        "UPDATE payment_limit SET daily_ueur = 10 * daily_ueur",
    ],
)
async def test_what_has_ended_stays_as_it_is(session: AsyncSession, statement: str) -> None:
    payment_id = await a_submitted_payment(session, await a_payer(session))
    await a_payer(session)
    await answers.record(session, an_answer(payment_id), now=now())
    await session.flush()
    before = await stored(session)

    with pytest.raises(DBAPIError, match=r"is kept as it is|permission denied"):
        async with session.begin_nested():
            await session.execute(text(statement))

    assert await stored(session) == before
    assert await session.scalar(select(func.count()).select_from(PaymentEvent)) == 1
