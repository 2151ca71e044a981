"""notify people: messages, preferences and web hooks

Revision ID: notifications
Revises: engagement
Create Date: 2026-11-21 15:55:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "notifications"
down_revision: str | None = "engagement"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = (
    "ORDER_FILLED",
    "ORDER_CLOSED",
    "TRADE_SETTLED",
    "PAYMENT",
    "STATEMENT_READY",
    "PRICE_ALERT",
    "TRADING_RULE",
    "AUCTION",
    "GRID_ALERT",
    "CERTIFICATE",
    "WEBHOOK_DISABLED",
)
CHANNELS = ("IN_APP", "MAIL", "WEBHOOK")
STATUSES = ("WAITING", "DELIVERED", "GIVEN_UP")
OUTCOMES = ("ACKNOWLEDGED", "REJECTED", "TIMED_OUT", "UNREACHABLE", "ADDRESS_REFUSED", "DROPPED")
REASONS = ("UNANSWERED", "GONE")


def _enum(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _instant(name: str, *, is_optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=is_optional)


def _created() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_messages()
    _make_webhooks()
    _make_deliveries()
    for table in ("message", "notification_preference", "webhook", "message_delivery", "webhook_feed"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO commonwatt_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON quiet_hours TO commonwatt_app")


def _make_messages() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _enum("noticekind", KINDS), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("is_in_app", sa.Boolean(), nullable=False),
        _instant("created_at"),
        _instant("read_at", is_optional=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_message_user_id", "message", ["user_id", "id"])
    op.create_index(
        "ix_message_unread", "message", ["user_id", "id"], postgresql_where=sa.text("read_at IS NULL AND is_in_app")
    )
    op.create_table(
        "notification_preference",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _enum("noticekind", KINDS), nullable=False),
        sa.Column("channel", _enum("notificationchannel", CHANNELS), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("user_id", "kind", "channel"),
    )
    op.create_table(
        "quiet_hours",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.CheckConstraint("starts_at <> ends_at", name="not_empty"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )


def _make_webhooks() -> None:
    known = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        _instant("previous_secret_until", is_optional=True),
        _created(),
        _instant("disabled_at", is_optional=True),
        sa.Column("disabled_reason", _enum("webhookdisabledreason", REASONS), nullable=True),
        _instant("removed_at", is_optional=True),
        sa.CheckConstraint(f"kinds <@ ARRAY[{known}]", name="known_kinds"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_webhook_owner_id", "webhook", ["owner_id", "id"])
    op.create_table(
        "webhook_feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _instant("next_attempt_at"),
        _instant("delivered_at", is_optional=True),
        sa.Column("outcome", _enum("notificationoutcome", OUTCOMES), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("webhook_id", "market_id"),
    )
    op.create_index("ix_webhook_feed_webhook_id", "webhook_feed", ["webhook_id", "id"])


def _make_deliveries() -> None:
    op.create_table(
        "message_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("channel", _enum("notificationchannel", CHANNELS), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("webhook_id", sa.Uuid(), nullable=True),
        sa.Column("status", _enum("notificationstatus", STATUSES), server_default="WAITING", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _created(),
        _instant("next_attempt_at", is_optional=True),
        _instant("delivered_at", is_optional=True),
        sa.Column("outcome", _enum("notificationoutcome", OUTCOMES), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.CheckConstraint("channel <> 'IN_APP'", name="sent"),
        sa.CheckConstraint("(channel = 'WEBHOOK') = (webhook_id IS NOT NULL)", name="webhook"),
        sa.CheckConstraint("channel = 'WEBHOOK' OR message_id IS NOT NULL", name="message"),
        sa.CheckConstraint("(status = 'WAITING') = (next_attempt_at IS NOT NULL)", name="next_attempt"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", "webhook_id"),
    )
    table = "message_delivery"
    op.create_index("ix_message_delivery_message_id", table, ["message_id", "id"])
    op.create_index("ix_message_delivery_webhook_id", table, ["webhook_id", "id"])
    op.create_index(
        "uq_message_delivery_mail", table, ["message_id"], unique=True, postgresql_where=sa.text("channel = 'MAIL'")
    )
    op.create_index(
        "ix_message_delivery_due", table, ["next_attempt_at"], postgresql_where=sa.text("status = 'WAITING'")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("message_delivery", "webhook_feed", "webhook", "quiet_hours", "notification_preference", "message"):
        op.drop_table(table)
