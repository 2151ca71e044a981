"""deliver trades: what was metered of each, and what was settled

Revision ID: delivery
Revises: payments
Create Date: 2026-11-21 15:20:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "delivery"
down_revision: str | None = "payments"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("trade_delivery", "delivery_line")
CHANGED = ("delivery_hour", "delivery_basis", "delivery_watch")
LINES = ("ENERGY", "FEE", "NETWORK", "COMMUNITY_FUND", "PENALTY")

# Hours come with the clearings of trades. Many insert them at once; hours that are there already, nearly always, are
# neither locked nor waited for.
COUNT_HOURS = """
CREATE FUNCTION count_delivery_hours() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
  hour timestamptz := date_bin('1 hour', NEW.delivery_start, 'epoch');
  delivered timestamptz := NEW.delivery_start
      + (SELECT make_interval(mins => delivery_minutes) FROM market WHERE id = NEW.market_id);
BEGIN
  INSERT INTO delivery_hour (starts_at, look_at) VALUES (hour, delivered) ON CONFLICT DO NOTHING;
  UPDATE delivery_hour SET look_at = delivered, is_settled = false, changes = changes + 1
  WHERE starts_at = hour AND (is_settled OR look_at IS NULL OR look_at > delivered);
  RETURN NULL;
END $$
"""
BACKFILL = """
INSERT INTO delivery_hour (starts_at, look_at)
SELECT date_bin('1 hour', delivery_start, 'epoch'), min(delivery_end) FROM trade GROUP BY 1
"""


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def micro(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def flag(name: str, default: str | None = "false") -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=default, nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_looks()
    _make_deliveries()
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in CHANGED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO commonwatt_app")
    op.execute(COUNT_HOURS)
    op.execute(
        "CREATE TRIGGER count_delivery_hours AFTER INSERT ON clearing FOR EACH ROW "
        "EXECUTE FUNCTION count_delivery_hours()"
    )
    op.execute(BACKFILL)
    op.execute("INSERT INTO delivery_watch (id, looked_at) VALUES (1, now())")


def _make_looks() -> None:
    op.create_table(
        "delivery_hour",
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changes", sa.BigInteger(), server_default="0", nullable=False),
        *(flag(name) for name in ("is_settled", "is_complete", "has_news")),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("starts_at"),
    )
    due, news = sa.text("look_at IS NOT NULL"), sa.text("has_news")
    op.create_index("ix_delivery_hour_due", "delivery_hour", ["look_at"], postgresql_where=due)
    op.create_index("ix_delivery_hour_news", "delivery_hour", ["starts_at"], postgresql_where=news)
    op.create_table(
        "delivery_basis",
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column("direction", text_enum("direction", "INJECTED", "WITHDRAWN"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("known_count", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point_id", "direction", "day"),
    )
    op.create_table(
        "delivery_watch",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reading_received_at", "reading", ["received_at"])


def _make_deliveries() -> None:
    op.create_table(
        "trade_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trade_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        *(micro(name) for name in ("delivered_ukwh", "seller_short_ukwh", "buyer_short_ukwh")),
        *(micro(name) for name in ("buyer_paid_ueur", "seller_received_ueur")),
        flag("is_provisional", None),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("delivered_ukwh >= 0 AND seller_short_ukwh >= 0 AND buyer_short_ukwh >= 0", name="energy"),
        sa.CheckConstraint("version >= 1", name="version"),
        sa.ForeignKeyConstraint(["trade_id"], ["trade.id"]),
        sa.PrimaryKeyConstraint("trade_id", "version"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_trade_delivery_settled_at", "trade_delivery", ["settled_at"])
    op.create_table(
        "delivery_line",
        sa.Column("trade_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("side", text_enum("orderside", "BUY", "SELL"), nullable=False),
        sa.Column("kind", text_enum("linekind", *LINES), nullable=False),
        *(micro(name) for name in ("rate_ueur_per_kwh", "energy_ukwh", "net_ueur")),
        sa.Column("vat_ppm", sa.Integer(), nullable=False),
        micro("vat_ueur"),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("energy_ukwh >= 0", name="energy"),
        sa.CheckConstraint("net_ueur <> 0 OR vat_ueur <> 0", name="not_zero"),
        sa.CheckConstraint("(kind = 'COMMUNITY_FUND') = (community_id IS NOT NULL)", name="fund"),
        sa.PrimaryKeyConstraint("trade_id", "version", "number"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER count_delivery_hours ON clearing")
    op.execute("DROP FUNCTION count_delivery_hours()")
    op.drop_index("ix_reading_received_at", "reading")
    for table in ("delivery_line", "trade_delivery", "delivery_watch", "delivery_basis", "delivery_hour"):
        op.drop_table(table)
