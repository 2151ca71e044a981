"""Tables of monthly statements."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, Personal
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide


class StatementKind(StrEnum):
    """Whether a document states a month, or corrects one that was stated."""

    STATEMENT = "STATEMENT"
    CREDIT_NOTE = "CREDIT_NOTE"


class AccountStatement(Base):
    """What a user's deliveries of a local month came to. Append-only: a correction is a document of its own.

    Cents are rounded per line; `ledger_ueur` is the exact sum that the ledger moved, `rounding_ueur` what rounding adds
    to it. Positive is what the user pays.
    """

    __tablename__ = "account_statement"
    __table_args__ = (
        CheckConstraint("total_cents = net_cents + vat_cents", name="total"),
        CheckConstraint("total_cents * 10000 = ledger_ueur + rounding_ueur", name="reconciled"),
        CheckConstraint("(kind = 'CREDIT_NOTE') = (corrects_id IS NOT NULL)", name="corrects"),
        CheckConstraint("extract(day FROM month) = 1", name="month"),
        Index("ix_account_statement_user_id", "user_id", "id"),
        Index(
            "uq_account_statement_month",
            "user_id",
            "month",
            unique=True,
            postgresql_where=text("kind = 'STATEMENT'"),
        ),
        Index("ix_account_statement_corrects_id", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
    )

    id: Mapped[Id]
    sequence: Mapped[int] = mapped_column(Integer, Identity(), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[StatementKind] = mapped_column(text_enum(StatementKind))
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("account_statement.id"))
    month: Mapped[date] = mapped_column(Date)
    timezone: Mapped[str] = mapped_column(Text)
    net_cents: Mapped[int] = mapped_column(BigInteger)
    vat_cents: Mapped[int] = mapped_column(BigInteger)
    total_cents: Mapped[int] = mapped_column(BigInteger)
    ledger_ueur: Mapped[Micro]
    rounding_ueur: Mapped[Micro]
    made_at: Mapped[datetime]


class StatementLine(Base):
    """One thing bought, sold, charged or owed in a month: energy, exact sums, cents rounded half-up. Append-only."""

    __tablename__ = "statement_line"
    __table_args__ = (
        CheckConstraint("vat_ppm BETWEEN 0 AND 1000000", name="vat"),
        Index("uq_statement_line_number", "statement_id", "number", unique=True),
    )

    id: Mapped[Id]
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("account_statement.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    side: Mapped[OrderSide] = mapped_column(text_enum(OrderSide))
    kind: Mapped[LineKind] = mapped_column(text_enum(LineKind))
    energy_ukwh: Mapped[Micro]
    net_ueur: Mapped[Micro]
    vat_ppm: Mapped[int] = mapped_column(Integer)
    vat_ueur: Mapped[Micro]
    net_cents: Mapped[int] = mapped_column(BigInteger)
    vat_cents: Mapped[int] = mapped_column(BigInteger)


PERSONAL = {
    AccountStatement: Personal(of=("user_id",), kept=BOOKS),
    StatementLine: Personal(of=("statement_id",), kept=BOOKS),
}
