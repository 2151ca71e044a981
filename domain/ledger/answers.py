"""What a payment provider answers: only that moves a deposit into a wallet, or a withdrawal out of the platform.

An answer counts once, by the provider's own id for it. What does not fit is refused and changes nothing: the provider
sends it again, or somebody looks into it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import DomainError, NotFound
from domain.kernel.quantities import format_micro
from domain.ledger import accounts, payments, transfers
from domain.ledger.payments import FINAL, PaymentClosed, reference_of
from domain.ledger.tables import (
    AccountKind,
    Payment,
    PaymentEvent,
    PaymentKind,
    PaymentStatus,
    TransferKind,
    TransferPhase,
)
from domain.ledger.transfers import NewTransfer


class PaymentOutcome(StrEnum):
    """What became of a payment at the provider."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a provider: `body_digest` is that of the body as it came; `reason` says why a payment failed."""

    event_id: str
    payment_id: UUID
    outcome: PaymentOutcome
    amount_ueur: int
    reason: str | None
    body_digest: bytes
    provider: str


class EventIdReused(DomainError):
    """The provider used this id for another answer."""

    def __init__(self, event_id: str) -> None:
        super().__init__("Another answer came under this id before.")
        self.event_id = event_id


class NotYetAsked(DomainError):
    """The provider answers what it was not asked."""

    def __init__(self, payment_id: UUID) -> None:
        super().__init__("The provider was not asked for this payment yet.")
        self.payment_id = payment_id


class WrongAmount(DomainError):
    """The provider speaks of another amount than it was asked for."""

    def __init__(self, expected_ueur: int, given_ueur: int) -> None:
        super().__init__(f"The payment is of {format_micro(expected_ueur)} EUR, not {format_micro(given_ueur)} EUR.")
        self.expected_ueur = expected_ueur
        self.given_ueur = given_ueur


async def record(session: AsyncSession, answer: Answer, *, now: datetime) -> bool:
    """Act on an answer; False when it came before, and nothing is done.

    Raises NotFound, EventIdReused, NotYetAsked, PaymentClosed, WrongAmount.
    """
    payment = await payments.lock(session, answer.payment_id)
    if payment is None:
        raise NotFound("payment", answer.payment_id)
    if await _came_before(session, answer):
        return False
    _check(payment, answer)
    await _note(session, answer, now=now)
    actor = f"provider:{answer.provider}"
    if answer.outcome is PaymentOutcome.FAILED:
        await payments.fail(session, payment, answer.reason or "UNKNOWN", actor=actor, now=now)
        return True
    if payment.kind is PaymentKind.DEPOSIT:
        await _pay_in(session, payment, actor=actor, now=now)
    else:
        await _pay_out(session, payment, actor=actor, now=now)
    await payments.close(session, payment, PaymentStatus.SUCCEEDED, actor=actor, now=now)
    return True


async def _came_before(session: AsyncSession, answer: Answer) -> bool:
    """Whether this very answer came before. Raises EventIdReused."""
    query = select(PaymentEvent.payment_id, PaymentEvent.body_digest).where(PaymentEvent.id == answer.event_id)
    known = (await session.execute(query)).one_or_none()
    if known is not None and tuple(known) != (answer.payment_id, answer.body_digest):
        raise EventIdReused(answer.event_id)
    return known is not None


def _check(payment: Payment, answer: Answer) -> None:
    if payment.status in FINAL:
        raise PaymentClosed(payment.id, payment.status)
    if payment.status is PaymentStatus.REQUESTED:
        raise NotYetAsked(payment.id)
    if payment.amount_ueur != answer.amount_ueur:
        raise WrongAmount(payment.amount_ueur, answer.amount_ueur)


async def _note(session: AsyncSession, answer: Answer, *, now: datetime) -> None:
    """Remember that an answer was acted on. Raises EventIdReused where another payment's was at this moment."""
    noted = (
        insert(PaymentEvent)
        .values(id=answer.event_id, payment_id=answer.payment_id, body_digest=answer.body_digest, received_at=now)
        .on_conflict_do_nothing()
        .returning(PaymentEvent.id)
    )
    if (await session.execute(noted)).scalar_one_or_none() is None:
        raise EventIdReused(answer.event_id)


async def _pay_in(session: AsyncSession, payment: Payment, *, actor: str, now: datetime) -> None:
    """What the user owes the platform is repaid first; the rest is available."""
    wallet = (await accounts.hold(session, [payment.owner_id])).wallets[payment.owner_id]
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    reference, subject = reference_of(payment.id), ("Payment", payment.id)
    paid = {external_id: -payment.amount_ueur, wallet.available_id: payment.amount_ueur}
    repaid_ueur = min(payment.amount_ueur, -wallet.receivable_ueur)
    repaid = {wallet.available_id: -repaid_ueur, wallet.receivable_id: repaid_ueur}
    made = [
        NewTransfer(TransferKind.DEPOSIT, reference, paid, subject),
        NewTransfer(TransferKind.REPAYMENT, reference, repaid, subject),
    ]
    await transfers.post(session, made, actor=actor, now=now)


async def _pay_out(session: AsyncSession, payment: Payment, *, actor: str, now: datetime) -> None:
    payout_id, external_id = [
        await accounts.platform(session, kind) for kind in (AccountKind.PAYOUT, AccountKind.EXTERNAL)
    ]
    amounts = {payout_id: -payment.amount_ueur, external_id: payment.amount_ueur}
    await payments.resolve(session, payment, amounts, TransferPhase.POSTED, actor=actor, now=now)
