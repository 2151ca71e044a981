"""Payments: money that users pay in and out through a provider, which answers later (`answers`).

A payment is REQUESTED in one transaction with the job that asks the provider, and PROCESSING from the moment before the
provider is asked: who crashes in between asks again, under the same reference, and the provider does it once. A deposit
moves money only when the provider says that it arrived. A withdrawal moves it at once from what is available to what is
paid out, pending: the answer posts it to the outside, or voids it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import ends, notices
from domain.events.ends import Failure
from domain.events.notices import NewNotice
from domain.identity.viewers import Viewer
from domain.jobs import queue
from domain.kernel import idempotency
from domain.kernel.database import among, new_id
from domain.kernel.errors import DomainError, NotAllowed, NotFound
from domain.kernel.idempotency import Use
from domain.ledger import accounts, limits, transfers
from domain.ledger.accounts import Wallet
from domain.ledger.tables import AccountKind, Payment, PaymentKind, PaymentStatus, TransferKind, TransferPhase
from domain.ledger.transfers import InsufficientFunds, NewTransfer
from domain.ledger.words import PAYMENT, SUBMIT_PAYMENT

ASKED_AGAIN_AFTER = timedelta(minutes=1)
NEGLECTED_MAX = 100

# What may become of a payment; the final statuses lead nowhere. Once a provider knows of it, only its answer ends it.
TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = MappingProxyType(
    {
        PaymentStatus.REQUESTED: frozenset({PaymentStatus.PROCESSING, PaymentStatus.FAILED, PaymentStatus.CANCELLED}),
        PaymentStatus.PROCESSING: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED}),
        PaymentStatus.SUCCEEDED: frozenset(),
        PaymentStatus.FAILED: frozenset(),
        PaymentStatus.CANCELLED: frozenset(),
    }
)
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class PaymentClosed(DomainError):
    """The payment has ended, or cannot be stopped any more."""

    def __init__(self, payment_id: UUID, status: PaymentStatus) -> None:
        said = "has already ended" if status in FINAL else "is with the provider"
        super().__init__(f"The payment {said}: {status.value.lower()}.")
        self.payment_id = payment_id
        self.status = status


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a provider is asked to do, under a reference of ours that it uses once."""

    reference: UUID
    kind: PaymentKind
    amount_ueur: int


def reference_of(payment_id: UUID) -> str:
    """Names a payment's transfers."""
    return f"payment:{payment_id}"


async def request(
    session: AsyncSession, viewer: Viewer, key: str, kind: PaymentKind, amount_ueur: int, *, now: datetime
) -> UUID:
    """Ask for a payment once per idempotency key, and have the provider asked; the same request gives the same payment.

    Raises NotAllowed, InsufficientFunds, the refusals of `limits.check` and those of `idempotency.hold`.
    """
    if viewer.user_id is None or viewer.api_key_id is not None:
        raise NotAllowed("pay in or out with this key")
    facts = {"kind": kind.value, "amount_ueur": amount_ueur}
    use = Use(viewer.key, key, idempotency.digest({"act": "payment.request"} | facts))
    known = await idempotency.hold(session, use)
    if known is not None:
        return known
    wallet = await _wallet(session, viewer.user_id)
    await limits.check(session, viewer.user_id, kind, amount_ueur, now=now)
    payment = Payment(
        id=new_id(), owner_id=viewer.user_id, kind=kind, amount_ueur=amount_ueur, requested_at=now, asked_at=now
    )
    session.add(payment)
    await session.flush()
    if kind is PaymentKind.WITHDRAWAL:
        await _set_aside(session, payment, wallet, actor=viewer.key, now=now)
    await ask(session, payment.id)
    await _record(session, payment, "payment.request", actor=viewer.key)
    await idempotency.remember(session, use, payment.id)
    return payment.id


async def cancel(session: AsyncSession, viewer: Viewer, payment_id: UUID, *, now: datetime) -> None:
    """Stop one's own payment before the provider is asked. Raises NotAllowed, NotFound, PaymentClosed."""
    payment = await lock(session, payment_id)
    if viewer.api_key_id is not None or payment is None or not (viewer.is_admin or payment.owner_id == viewer.user_id):
        raise NotFound("payment", payment_id)
    if payment.owner_id != viewer.user_id:
        raise NotAllowed("stop another's payment")
    if PaymentStatus.CANCELLED not in TRANSITIONS[payment.status]:
        raise PaymentClosed(payment_id, payment.status)
    if payment.kind is PaymentKind.WITHDRAWAL:
        await give_back(session, payment, actor=viewer.key, now=now)
    await close(session, payment, PaymentStatus.CANCELLED, actor=viewer.key, now=now)


async def ask(session: AsyncSession, payment_id: UUID) -> None:
    """Have the provider asked for a payment after commit."""
    given = {"payment_id": str(payment_id)}
    await queue.enqueue_again(session, SUBMIT_PAYMENT, reference_of(payment_id), given)


async def submit(session: AsyncSession, payment_id: UUID, *, now: datetime) -> Instruction | None:
    """What the provider is to be asked once this is committed; None when the payment has ended."""
    payment = await lock(session, payment_id)
    if payment is None or payment.status in FINAL:
        return None
    payment.asked_at = now
    if payment.status is PaymentStatus.REQUESTED:
        move(payment, PaymentStatus.PROCESSING)
        await _record(session, payment, "payment.submit", actor="payments")
    return Instruction(payment.id, payment.kind, payment.amount_ueur)


async def refuse(session: AsyncSession, payment_id: UUID, reason: str, *, now: datetime) -> None:
    """End a payment that no provider was asked for, and give back what was set aside for it."""
    payment = await lock(session, payment_id)
    if payment is not None and payment.status is PaymentStatus.REQUESTED:
        await fail(session, payment, reason, actor="payments", now=now)


async def ask_neglected(session: AsyncSession, *, now: datetime) -> int:
    """Have the provider asked again for payments of which nothing was heard for a minute; how many there were."""
    waiting = (
        select(Payment.id)
        .where(Payment.closed_at.is_(None), Payment.asked_at < now - ASKED_AGAIN_AFTER)
        .order_by(Payment.asked_at)
        .limit(NEGLECTED_MAX)
        .with_for_update(skip_locked=True)
    )
    ids = list(await session.scalars(waiting))
    if ids:
        await session.execute(update(Payment).where(among(Payment.id, ids)).values(asked_at=now))
    for payment_id in ids:
        await ask(session, payment_id)
    return len(ids)


# What requests, answers and refusals share. The caller holds the payment's row.


async def lock(session: AsyncSession, payment_id: UUID) -> Payment | None:
    """A payment, held until commit."""
    return await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)


async def fail(session: AsyncSession, payment: Payment, reason: str, *, actor: str, now: datetime) -> None:
    """End a payment that cannot be carried out: what was set aside for it is available again."""
    if payment.kind is PaymentKind.WITHDRAWAL:
        await give_back(session, payment, actor=actor, now=now)
    payment.failure_reason = reason
    await close(session, payment, PaymentStatus.FAILED, actor=actor, now=now)
    ends.failed(session, Failure("payment", payment.kind.value, payment.id, reason))


async def give_back(session: AsyncSession, payment: Payment, *, actor: str, now: datetime) -> None:
    """Void the pending transfer of a withdrawal."""
    wallet = await _wallet(session, payment.owner_id)
    amounts = {await _payout(session): -payment.amount_ueur, wallet.available_id: payment.amount_ueur}
    await resolve(session, payment, amounts, TransferPhase.VOIDING, actor=actor, now=now)


async def resolve(
    session: AsyncSession,
    payment: Payment,
    amounts_ueur: Mapping[UUID, int],
    phase: TransferPhase,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Post or void the pending transfer of a withdrawal, once."""
    reference = reference_of(payment.id)
    pending = await transfers.used(session, TransferKind.WITHDRAWAL, [reference])
    made = NewTransfer(TransferKind.PAYOUT, reference, amounts_ueur, ("Payment", payment.id), phase, pending[reference])
    await transfers.post(session, [made], actor=actor, now=now)


async def close(session: AsyncSession, payment: Payment, status: PaymentStatus, *, actor: str, now: datetime) -> None:
    """End a payment, and tell its owner unless that is who ended it."""
    move(payment, status)
    payment.closed_at = now
    await _record(session, payment, f"payment.{ACTS[status]}", actor=actor)
    if status is not PaymentStatus.CANCELLED:
        facts = {
            "payment_id": payment.id,
            "kind": payment.kind.value,
            "status": status.value,
            "payment_ueur": payment.amount_ueur,
            "amount_ueur": _got_ueur(payment),
            "reason": payment.failure_reason,
        }
        await notices.tell(session, [NewNotice(payment.owner_id, PAYMENT, facts)])


def _got_ueur(payment: Payment) -> int:
    """What a payment put into the wallet of its owner, below zero where it was taken out; 0 where it failed."""
    if payment.status is not PaymentStatus.SUCCEEDED:
        return 0
    return payment.amount_ueur if payment.kind is PaymentKind.DEPOSIT else -payment.amount_ueur


ACTS: Mapping[PaymentStatus, str] = MappingProxyType(
    {PaymentStatus.SUCCEEDED: "succeed", PaymentStatus.FAILED: "fail", PaymentStatus.CANCELLED: "cancel"}
)


def move(payment: Payment, to: PaymentStatus) -> None:
    """Let a payment stand elsewhere."""
    assert to in TRANSITIONS[payment.status], f"a payment does not become {to} from {payment.status}"
    payment.status = to


async def _wallet(session: AsyncSession, owner_id: UUID) -> Wallet:
    return (await accounts.hold(session, [owner_id])).wallets[owner_id]


async def _payout(session: AsyncSession) -> UUID:
    return await accounts.platform(session, AccountKind.PAYOUT)


async def _set_aside(session: AsyncSession, payment: Payment, wallet: Wallet, *, actor: str, now: datetime) -> None:
    """Move money that is to be paid out, pending. What a user owes cannot be paid out. Raises InsufficientFunds."""
    free_ueur = wallet.available_ueur + wallet.receivable_ueur
    if payment.amount_ueur > free_ueur:
        raise InsufficientFunds(payment.amount_ueur, max(0, free_ueur))
    amounts = {wallet.available_id: -payment.amount_ueur, await _payout(session): payment.amount_ueur}
    made = NewTransfer(
        TransferKind.WITHDRAWAL, reference_of(payment.id), amounts, ("Payment", payment.id), TransferPhase.PENDING
    )
    await transfers.post(session, [made], actor=actor, now=now)


async def _record(session: AsyncSession, payment: Payment, act: str, *, actor: str) -> None:
    await session.flush()
    facts = {"kind": payment.kind.value, "amount_ueur": payment.amount_ueur}
    facts |= {"reason": payment.failure_reason} if payment.failure_reason else {}
    await entries.record(session, act, actor=actor, subject=("Payment", payment.id), facts=facts)
