"""Payments on their way: stopped, given back or asked for again, and answers that count once and fit."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events.tables import Notice
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, NotFound
from domain.ledger import answers, payments
from domain.ledger.answers import EventIdReused, NotYetAsked, PaymentOutcome, WrongAmount
from domain.ledger.payments import Instruction, PaymentClosed
from domain.ledger.tables import Payment, PaymentEvent, PaymentKind, PaymentStatus
from tests.domain.ledger.payers import a_payer, money_of, refused, stored
from tests.factories.ledger import EUR, a_payment, a_submitted_payment, an_answer
from tests.factories.market import now

DEPOSIT, WITHDRAWAL = PaymentKind.DEPOSIT, PaymentKind.WITHDRAWAL


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
