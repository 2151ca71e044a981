"""Tables of accounts, transfers and their entries."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, Personal


class AccountKind(StrEnum):
    """Whose money an account counts, and what for."""

    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    RECEIVABLE = "RECEIVABLE"
    ESCROW = "ESCROW"
    FEE = "FEE"
    GRID = "GRID"
    TAX = "TAX"
    ROUNDING = "ROUNDING"
    COMMUNITY_FUND = "COMMUNITY_FUND"
    PAYOUT = "PAYOUT"
    EXTERNAL = "EXTERNAL"


class TransferKind(StrEnum):
    """Why money moved."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    PAYOUT = "PAYOUT"
    HOLD = "HOLD"
    RELEASE = "RELEASE"
    ESCROW = "ESCROW"
    SETTLEMENT = "SETTLEMENT"
    CORRECTION = "CORRECTION"
    REPAYMENT = "REPAYMENT"


class TransferPhase(StrEnum):
    """Whether a transfer is final, waits for another to resolve it, or voids one that waited."""

    POSTED = "POSTED"
    PENDING = "PENDING"
    VOIDING = "VOIDING"


class PaymentKind(StrEnum):
    """Which way a payment goes."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"


class PaymentStatus(StrEnum):
    """Where a payment stands; the last three are final."""

    REQUESTED = "REQUESTED"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


# Kinds whose balance is never below zero: a user's own, and what others entrusted.
NEVER_NEGATIVE = (AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.ESCROW, AccountKind.PAYOUT)
_NEVER_NEGATIVE = ", ".join(f"'{kind.value}'" for kind in NEVER_NEGATIVE)


class Account(Base):
    """Money that the platform owes a holder (positive) or a holder owes it (negative).

    `owner_id` is a user; `scope_id` a market or a community. Balances are written by a trigger alone. Entries are
    listed under `holder_id`: all of a user together, those of any other account by themselves.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("owner_id", "scope_id", "kind", postgresql_nulls_not_distinct=True),
        UniqueConstraint("id", "holder_id"),
        CheckConstraint(f"balance_ueur >= 0 OR kind NOT IN ({_NEVER_NEGATIVE})", name="never_negative"),
        CheckConstraint("balance_ueur <= 0 OR kind <> 'RECEIVABLE'", name="receivable"),
        CheckConstraint("(owner_id IS NULL) = (kind NOT IN ('AVAILABLE', 'HELD', 'RECEIVABLE'))", name="owner"),
        Index("ix_account_scope_id", "scope_id"),
        Index("ix_account_unowned", "id", postgresql_where=text("owner_id IS NULL")),
    )

    id: Mapped[Id]
    kind: Mapped[AccountKind] = mapped_column(text_enum(AccountKind))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    scope_id: Mapped[UUID | None]
    holder_id: Mapped[UUID] = mapped_column(Computed("coalesce(owner_id, id)", persisted=True))
    balance_ueur: Mapped[Micro] = mapped_column(server_default="0")
    created_at: Mapped[CreatedAt]


class Transfer(Base):
    """Money moved between accounts, once per kind and reference. Append-only.

    The trigger that adds up its entries also sees that what it resolves exists, and is pending.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("reference", "kind"),
        CheckConstraint("(phase = 'VOIDING') <= (resolves_id IS NOT NULL)", name="voiding"),
        CheckConstraint("phase <> 'PENDING' OR resolves_id IS NULL", name="pending"),
        Index("uq_transfer_resolves_id", "resolves_id", unique=True, postgresql_where=text("resolves_id IS NOT NULL")),
        Index("ix_transfer_subject_id", "subject_id"),
    )

    id: Mapped[Id]
    kind: Mapped[TransferKind] = mapped_column(text_enum(TransferKind))
    phase: Mapped[TransferPhase] = mapped_column(text_enum(TransferPhase))
    reference: Mapped[str] = mapped_column(Text)
    resolves_id: Mapped[UUID | None]
    subject_type: Mapped[str | None] = mapped_column(Text)
    subject_id: Mapped[UUID | None]
    actor: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class Entry(Base):
    """What a transfer changes in one account, micro-EUR; never zero. Append-only.

    The trigger that carries it into the balance sees that its transfer, account and holder exist, for all at once.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_ueur <> 0", name="not_zero"),
        UniqueConstraint("transfer_id", "account_id"),
        Index("ix_ledger_entry_holder_id", "holder_id", "id"),
    )

    id: Mapped[Id]
    transfer_id: Mapped[UUID]
    account_id: Mapped[UUID]
    holder_id: Mapped[UUID]
    amount_ueur: Mapped[Micro]


class Payment(Base):
    """Money that a user pays in or out through a provider; whole cents. Its id is the provider's reference.

    `asked_at` is when the provider was last asked for it. What has ended stays as it is.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_ueur > 0 AND amount_ueur % 10000 = 0", name="cents"),
        CheckConstraint("(closed_at IS NULL) = (status IN ('REQUESTED', 'PROCESSING'))", name="closed"),
        CheckConstraint("(failure_reason IS NOT NULL) = (status = 'FAILED')", name="failure"),
        Index("ix_payment_owner_id", "owner_id", "id"),
        Index("ix_payment_open", "asked_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[PaymentKind] = mapped_column(text_enum(PaymentKind))
    status: Mapped[PaymentStatus] = mapped_column(
        text_enum(PaymentStatus), server_default=PaymentStatus.REQUESTED.value
    )
    amount_ueur: Mapped[Micro]
    failure_reason: Mapped[str | None] = mapped_column(Text)
    requested_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class PaymentEvent(Base):
    """An answer of a provider that was acted on, by the provider's id for it, so that it counts once. Append-only."""

    __tablename__ = "payment_event"
    __table_args__ = (Index("ix_payment_event_payment_id", "payment_id"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payment.id"))
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]


class PaymentLimit(Base):
    """How much may be paid at once and within 24 hours, from an instant on. Append-only."""

    __tablename__ = "payment_limit"
    __table_args__ = (
        UniqueConstraint("kind", "valid_from"),
        CheckConstraint("0 < lowest_ueur AND lowest_ueur <= highest_ueur AND highest_ueur <= daily_ueur", name="order"),
    )

    id: Mapped[Id]
    kind: Mapped[PaymentKind] = mapped_column(text_enum(PaymentKind))
    lowest_ueur: Mapped[Micro]
    highest_ueur: Mapped[Micro]
    daily_ueur: Mapped[Micro]
    source: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime]


PERSONAL = {
    Account: Personal(of=("owner_id", "holder_id"), kept=BOOKS),
    Transfer: Personal(of=("subject_id",), by=("actor",), kept=BOOKS),
    Entry: Personal(of=("holder_id", "account_id"), kept=BOOKS),
    Payment: Personal(of=("owner_id",), kept=BOOKS),
    PaymentEvent: Personal(of=("payment_id",), kept=BOOKS),
}
