"""trade by rule: trading rules and their simulations

Revision ID: rules
Revises: intelligence
Create Date: 2026-11-21 15:45:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "rules"
down_revision: str | None = "intelligence"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = ("SELL_SURPLUS_ABOVE", "BUY_BELOW", "KEEP_BATTERY_RESERVE")
STATUSES = ("DRAFT", "ACTIVE", "PAUSED", "ENDED")
SOURCES = ("SOLAR", "WIND", "HYDRO", "BIOMASS", "STORAGE")
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
APPEND_ONLY = ("trading_rule_run", "trading_rule_simulation")


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def micro(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_rules()
    _make_runs()
    _make_simulations()
    op.execute("GRANT SELECT, INSERT, UPDATE ON trading_rule TO commonwatt_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.add_column("market_order", sa.Column("rule_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_market_order_rule_id"), "market_order", "trading_rule", ["rule_id"], ["id"])
    op.create_index(
        "ix_market_order_rule_id", "market_order", ["rule_id", "id"], postgresql_where=sa.text("rule_id IS NOT NULL")
    )
    for party in ("buyer", "seller"):
        op.create_index(f"ix_trade_{party}_delivery", "trade", [f"{party}_id", "delivery_start"])


def _make_rules() -> None:
    known = ", ".join(f"'{day}'" for day in WEEKDAYS)
    op.create_table(
        "trading_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text_enum("rulekind", *KINDS), nullable=False),
        sa.Column("status", text_enum("rulestatus", *STATUSES), server_default="DRAFT", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        micro("price_ueur_per_kwh", nullable=True),
        micro("reserve_ukwh", nullable=True),
        sa.Column("reserve_ppm", sa.Integer(), nullable=True),
        micro("daily_ukwh_max", nullable=True),
        sa.Column("source", text_enum("energysource", *SOURCES), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("hours", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lookahead_hours", sa.Integer(), server_default="24", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        instant("decided_until", nullable=True),
        instant("next_run_at", nullable=True),
        sa.Column("refused_on", sa.Date(), nullable=True),
        sa.Column("stopped_reason", sa.Text(), nullable=True),
        created_at(),
        sa.CheckConstraint("(kind = 'KEEP_BATTERY_RESERVE') = (price_ueur_per_kwh IS NULL)", name="price"),
        sa.CheckConstraint("price_ueur_per_kwh % 100 = 0", name="tick"),
        sa.CheckConstraint(
            "num_nonnulls(reserve_ukwh, reserve_ppm) = CASE kind WHEN 'KEEP_BATTERY_RESERVE' THEN 1 ELSE 0 END",
            name="reserve",
        ),
        sa.CheckConstraint("reserve_ukwh > 0 AND reserve_ppm BETWEEN 1 AND 1000000", name="reserve_size"),
        sa.CheckConstraint("daily_ukwh_max > 0", name="daily"),
        sa.CheckConstraint("source IS NULL OR kind = 'SELL_SURPLUS_ABOVE'", name="source"),
        sa.CheckConstraint("lookahead_hours BETWEEN 1 AND 168", name="lookahead"),
        sa.CheckConstraint("cardinality(hours) > 0 AND 0 <= ALL (hours) AND 23 >= ALL (hours)", name="hours"),
        sa.CheckConstraint("cardinality(weekdays) > 0", name="some_weekday"),
        sa.CheckConstraint(f"weekdays <@ ARRAY[{known}]", name="known_weekdays"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_trading_rule_owner_id", "trading_rule", ["owner_id", "id"])
    op.create_index(
        "ix_trading_rule_due", "trading_rule", ["next_run_at"], postgresql_where=sa.text("status = 'ACTIVE'")
    )


def _make_runs() -> None:
    op.create_table(
        "trading_rule_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        instant("delivery_start"),
        instant("delivery_end"),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        sa.Column("refused_count", sa.Integer(), nullable=False),
        micro("offered_ukwh"),
        sa.Column("decisions", postgresql.JSONB(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        created_at(),
        sa.ForeignKeyConstraint(["rule_id"], ["trading_rule.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rule_id", "delivery_start"),
    )
    op.create_index("ix_trading_rule_run_rule_id", "trading_rule_run", ["rule_id", "id"])


def _make_simulations() -> None:
    op.create_table(
        "trading_rule_simulation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        instant("period_start"),
        instant("period_end"),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        micro("offered_ukwh"),
        micro("filled_ukwh"),
        micro("delivered_ukwh"),
        micro("amount_ueur"),
        micro("grid_amount_ueur", nullable=True),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("orders", postgresql.JSONB(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        created_at(),
        sa.ForeignKeyConstraint(["rule_id"], ["trading_rule.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_trading_rule_simulation_rule_id", "trading_rule_simulation", ["rule_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for party in ("seller", "buyer"):
        op.drop_index(f"ix_trade_{party}_delivery", "trade")
    op.drop_column("market_order", "rule_id")
    for table in (*APPEND_ONLY, "trading_rule"):
        op.drop_table(table)
