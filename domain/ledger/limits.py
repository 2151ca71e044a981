"""How much may be paid in or out: whole cents, between a lowest and a highest amount, and so much within 24 hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.errors import DomainError
from domain.kernel.quantities import format_micro
from domain.ledger.tables import Payment, PaymentKind, PaymentLimit, PaymentStatus

CENT_UEUR = 10_000
SPAN = timedelta(hours=24)
WITHOUT_EFFECT = (PaymentStatus.FAILED, PaymentStatus.CANCELLED)


class NotWholeCents(DomainError):
    """A payment has an amount between cents."""

    def __init__(self) -> None:
        super().__init__("The amount must be a multiple of 0.01 EUR.")
        self.cent_ueur = CENT_UEUR


class AmountOutOfBounds(DomainError):
    """A payment is smaller or larger than one payment may be."""

    def __init__(self, lowest_ueur: int, highest_ueur: int) -> None:
        super().__init__(f"The amount must be {format_micro(lowest_ueur)} to {format_micro(highest_ueur)} EUR.")
        self.lowest_ueur = lowest_ueur
        self.highest_ueur = highest_ueur


class DailyLimitReached(DomainError):
    """The payments of 24 hours would pass what is allowed."""

    def __init__(self, limit_ueur: int, used_ueur: int) -> None:
        super().__init__(f"At most {format_micro(limit_ueur)} EUR may be paid this way within 24 hours.")
        self.limit_ueur = limit_ueur
        self.used_ueur = used_ueur


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds at an instant for one kind of payment, micro-EUR."""

    lowest_ueur: int
    highest_ueur: int
    daily_ueur: int


async def in_force(session: AsyncSession, kind: PaymentKind, at: datetime) -> Limits:
    """The limits of a kind of payment at an instant."""
    query = (
        select(PaymentLimit.lowest_ueur, PaymentLimit.highest_ueur, PaymentLimit.daily_ueur)
        .where(PaymentLimit.kind == kind, PaymentLimit.valid_from <= at)
        .order_by(PaymentLimit.valid_from.desc())
        .limit(1)
    )
    return Limits(*(await session.execute(query)).one())


async def check(session: AsyncSession, owner_id: UUID, kind: PaymentKind, amount_ueur: int, *, now: datetime) -> None:
    """Whether a user, whose accounts the caller holds, may pay an amount now.

    Raises NotWholeCents, AmountOutOfBounds, DailyLimitReached.
    """
    limits = await in_force(session, kind, now)
    if not limits.lowest_ueur <= amount_ueur <= limits.highest_ueur:
        raise AmountOutOfBounds(limits.lowest_ueur, limits.highest_ueur)
    if amount_ueur % CENT_UEUR:
        raise NotWholeCents
    used_ueur = await _used_ueur(session, owner_id, kind, now - SPAN)
    if used_ueur + amount_ueur > limits.daily_ueur:
        raise DailyLimitReached(limits.daily_ueur, used_ueur)


async def _used_ueur(session: AsyncSession, owner_id: UUID, kind: PaymentKind, since: datetime) -> int:
    """What a user has paid this way since an instant, or is about to."""
    query = select(func.coalesce(func.sum(Payment.amount_ueur), 0)).where(
        Payment.owner_id == owner_id,
        Payment.kind == kind,
        Payment.requested_at > since,
        Payment.status.not_in(WITHOUT_EFFECT),
    )
    return int((await session.execute(query)).scalar_one())
