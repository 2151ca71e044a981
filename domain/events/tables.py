"""Tables of the event feed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id
from domain.kernel.personal import Personal


class Event(Base):
    """One event of a stream; `payload` holds ids and values in micro-units. Append-only."""

    __tablename__ = "event"

    stream: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]


class EventStream(Base):
    """The last number given out in a stream, and the last one that the relay has announced."""

    __tablename__ = "event_stream"

    stream: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    announced: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Notice(Base):
    """Something a user should hear of, until `notifications` has taken it."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_open", "id", postgresql_where=text("taken_at IS NULL")),)

    id: Mapped[Id]
    user_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    taken_at: Mapped[datetime | None]


class WorkEnded(Base):
    """How often work of a kind ended so; triggers add a row at each end, and rows are added up to fewer (`ends`)."""

    __tablename__ = "work_ended"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    work: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    ended: Mapped[int] = mapped_column(BigInteger, server_default="1")


PERSONAL = {
    Notice: Personal(of=("user_id",)),
}
