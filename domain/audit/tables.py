"""Tables of the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, Id
from domain.kernel.personal import PROOF, Personal


class AuditEntry(Base):
    """One change of state. Append-only by grant and trigger."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at", "chain", "sequence"),
        Index("ix_audit_entry_actor", "actor", "at", "chain", "sequence"),
        Index("ix_audit_entry_subject_id", "subject_id", "at", "chain", "sequence"),
    )

    chain: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Text)
    act: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AuditHead(Base):
    """The newest entry of a chain: what makes truncation visible, and the row that serialises writers."""

    __tablename__ = "audit_head"

    chain: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Verification(Base):
    """A run of the checks of the invariants over the whole database, and what it found. Append-only."""

    __tablename__ = "verification"
    __table_args__ = (CheckConstraint("breaches_count >= 0", name="count"),)

    id: Mapped[Id]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    checks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    breaches_count: Mapped[int] = mapped_column(Integer)
    breaches: Mapped[list[dict[str, str]]] = mapped_column(JSONB)


PERSONAL = {
    AuditEntry: Personal(of=("subject_id",), by=("actor",), kept=PROOF),
}
