"""Tables of messages, preferences and web hooks."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.events.notices import NoticeKind
from domain.kernel.database import Base, CreatedAt, Id, text_enum
from domain.kernel.personal import Personal
from domain.kernel.vocabularies import WordType, word_check, words_check


class NotificationChannel(StrEnum):
    """How a message reaches its user."""

    IN_APP = "IN_APP"
    MAIL = "MAIL"
    WEBHOOK = "WEBHOOK"


class NotificationStatus(StrEnum):
    """Where a delivery stands; the last two are final."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


class NotificationOutcome(StrEnum):
    """What came of an attempt to deliver."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"
    TIMED_OUT = "TIMED_OUT"
    UNREACHABLE = "UNREACHABLE"
    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    DROPPED = "DROPPED"


class WebhookDisabledReason(StrEnum):
    """Why nothing is sent to a web hook any more."""

    UNANSWERED = "UNANSWERED"
    GONE = "GONE"


class Message(Base):
    """A text for one user, made of the notice with the same id."""

    __tablename__ = "message"
    __table_args__ = (
        word_check("kind"),
        Index("ix_message_user_id", "user_id", "id"),
        Index("ix_message_unread", "user_id", "id", postgresql_where=text("read_at IS NULL AND is_in_app")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[NoticeKind] = mapped_column(WordType(NoticeKind))
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_in_app: Mapped[bool]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Preference(Base):
    """Whether a user wants a kind of message by a channel, where that differs from what is usual."""

    __tablename__ = "notification_preference"
    __table_args__ = (word_check("kind"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    kind: Mapped[NoticeKind] = mapped_column(WordType(NoticeKind), primary_key=True)
    channel: Mapped[NotificationChannel] = mapped_column(text_enum(NotificationChannel), primary_key=True)
    is_wanted: Mapped[bool]


class QuietHours(Base):
    """Local time of day in which a user gets no mail; it passes midnight where it ends before it starts."""

    __tablename__ = "quiet_hours"
    __table_args__ = (CheckConstraint("starts_at <> ends_at", name="not_empty"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    starts_at: Mapped[time] = mapped_column(Time)
    ends_at: Mapped[time] = mapped_column(Time)
    timezone: Mapped[str] = mapped_column(Text)


class Webhook(Base):
    """An address of a user's application; signed posts go there until it is disabled or removed."""

    __tablename__ = "webhook"
    __table_args__ = (Index("ix_webhook_owner_id", "owner_id", "id"), words_check("kinds"))

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    url: Mapped[str] = mapped_column(Text)
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[WebhookDisabledReason | None] = mapped_column(text_enum(WebhookDisabledReason))
    removed_at: Mapped[datetime | None]


class Delivery(Base):
    """A message on its way by mail or to a web hook, or a test of a web hook, which has no message."""

    __tablename__ = "message_delivery"
    __table_args__ = (
        CheckConstraint("channel <> 'IN_APP'", name="sent"),
        CheckConstraint("(channel = 'WEBHOOK') = (webhook_id IS NOT NULL)", name="webhook"),
        CheckConstraint("channel = 'WEBHOOK' OR message_id IS NOT NULL", name="message"),
        CheckConstraint("(status = 'WAITING') = (next_attempt_at IS NOT NULL)", name="next_attempt"),
        UniqueConstraint("message_id", "webhook_id"),
        Index("uq_message_delivery_mail", "message_id", unique=True, postgresql_where=text("channel = 'MAIL'")),
        Index("ix_message_delivery_message_id", "message_id", "id"),
        Index("ix_message_delivery_webhook_id", "webhook_id", "id"),
        Index("ix_message_delivery_due", "next_attempt_at", postgresql_where=text("status = 'WAITING'")),
        Index(
            "ix_message_delivery_given_up",
            "channel",
            "created_at",
            "id",
            postgresql_where=text("status = 'GIVEN_UP'"),
        ),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    channel: Mapped[NotificationChannel] = mapped_column(text_enum(NotificationChannel))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"))
    webhook_id: Mapped[UUID | None] = mapped_column(ForeignKey("webhook.id"))
    status: Mapped[NotificationStatus] = mapped_column(
        text_enum(NotificationStatus), server_default=NotificationStatus.WAITING.value
    )
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[CreatedAt]
    next_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    outcome: Mapped[NotificationOutcome | None] = mapped_column(text_enum(NotificationOutcome))
    status_code: Mapped[int | None] = mapped_column(Integer)


class WebhookFeed(Base):
    """How far a web hook has acknowledged the trades of a market, and the attempts to send the next one."""

    __tablename__ = "webhook_feed"
    __table_args__ = (
        UniqueConstraint("webhook_id", "market_id"),
        Index("ix_webhook_feed_webhook_id", "webhook_id", "id"),
    )

    id: Mapped[Id]
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    stream: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_attempt_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    outcome: Mapped[NotificationOutcome | None] = mapped_column(text_enum(NotificationOutcome))
    status_code: Mapped[int | None] = mapped_column(Integer)


PERSONAL = {
    Message: Personal(of=("user_id",)),
    Preference: Personal(of=("user_id",)),
    QuietHours: Personal(of=("user_id",)),
    Webhook: Personal(of=("owner_id",)),
    Delivery: Personal(of=("owner_id",)),
    WebhookFeed: Personal(of=("owner_id",)),
}
