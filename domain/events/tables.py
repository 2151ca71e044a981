"""Tables of the event feed."""

from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, CreatedAt


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
