"""extend trading: terms of orders and markets, charges, escrow, records of clearings, halts, limits and notices

Revision ID: terms
Revises: ledger
Create Date: 2026-11-21 15:05:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "terms"
down_revision: str | None = "ledger"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Enums that grew: table, column, name of the check, values before and after.
ENUMS = (
    (
        "job",
        "kind",
        "jobkind",
        ("ALLOCATE_PERIOD", "CLEAR_MARKET"),
        (
            *("SETTLE_DELIVERIES", "MAKE_STATEMENTS", "RUN_TRADING_RULES", "SIMULATE_TRADING_RULE", "FORECAST_PRICES"),
            *("DELIVER_NOTIFICATIONS", "MEASURE_GRID", "RATE_MEMBERS"),
        ),
    ),
    ("market", "pricing", "pricingrule", ("UNIFORM",), ("PAY_AS_BID", "MIDPOINT")),
    (
        "market_order",
        "status",
        "orderstatus",
        ("OPEN", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "EXPIRED"),
        ("HALTED", "REJECTED"),
    ),
)
SIDES = ("BUY", "SELL")
ACCEPTANCES = ("ANY", "LOCAL", "GREEN", "SOLAR", "WIND", "HYDRO", "BIOMASS", "STORAGE")


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def checked(table: str, column: str, name: str, values: Sequence[str]) -> None:
    known = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({known})")


def micro(name: str, default: str | None = "0", *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=nullable)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, column, name, before, added in ENUMS:
        checked(table, column, name, (*before, *added))
    _extend_market()
    _extend_orders()
    for name in ("buyer_escrow_ueur", "seller_escrow_ueur"):
        op.add_column("trade", micro(name))
    op.create_check_constraint(op.f("ck_trade_escrow"), "trade", "buyer_escrow_ueur >= 0 AND seller_escrow_ueur >= 0")
    op.create_index("ix_trade_delivery_start", "trade", ["delivery_start", "id"])
    op.add_column("clearing", micro("bound_ueur", None, nullable=True))
    op.add_column("clearing", micro("congestion_rent_ueur"))
    for name in ("class_prices", "parameters"):
        op.add_column("clearing", sa.Column(name, postgresql.JSONB(), server_default="{}", nullable=False))
    _make_charges()
    _make_grid()
    _make_notices()


def _extend_market() -> None:
    op.add_column("market", micro("penalty_ueur_per_kwh"))
    op.add_column("market", sa.Column("energy_vat_ppm", sa.Integer(), server_default="0", nullable=False))
    op.add_column("market", sa.Column("grace_days", sa.Integer(), server_default="10", nullable=False))
    op.add_column("market", sa.Column("is_capacity_checked", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("market", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_market_penalty"), "market", "penalty_ueur_per_kwh >= 0")
    op.create_check_constraint(op.f("ck_market_vat"), "market", "energy_vat_ppm BETWEEN 0 AND 1000000")
    op.create_check_constraint(op.f("ck_market_grace"), "market", "grace_days BETWEEN 0 AND 90")


def _extend_orders() -> None:
    table = "market_order"
    op.add_column(
        table, sa.Column("accepts", text_enum("acceptance", *ACCEPTANCES), server_default="ANY", nullable=False)
    )
    op.add_column(
        table,
        sa.Column(
            "filling",
            text_enum("orderfilling", "PER_INTERVAL", "FLEXIBLE"),
            server_default="PER_INTERVAL",
            nullable=False,
        ),
    )
    for name in ("minimum_fill_ukwh", "exposure_ueur_per_kwh", "held_ueur"):
        op.add_column(table, micro(name))
    op.add_column(table, sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(table, sa.Column("replaces_id", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column("closed_reason", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_market_order_replaces_id"), table, table, ["replaces_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_market_order_minimum"),
        table,
        "minimum_fill_ukwh BETWEEN 0 AND energy_ukwh AND minimum_fill_ukwh % 1000 = 0",
    )
    op.create_check_constraint(
        op.f("ck_market_order_held"), table, "held_ueur >= 0 AND (held_ueur = 0 OR closed_at IS NULL)"
    )
    op.create_check_constraint(op.f("ck_market_order_accepts"), table, "accepts = 'ANY' OR side = 'BUY'")
    op.create_index("ix_market_order_owner_delivery", table, ["owner_id", "delivery_end"])
    op.create_index(
        "ix_market_order_valid_until", table, ["valid_until"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index(
        "ix_market_order_replaces_id", table, ["replaces_id"], postgresql_where=sa.text("replaces_id IS NOT NULL")
    )


def _make_charges() -> None:
    op.create_table(
        "market_charge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text_enum("chargekind", "FEE", "NETWORK", "COMMUNITY_FUND"), nullable=False),
        sa.Column("payer", text_enum("orderside", *SIDES), nullable=False),
        micro("rate_ueur_per_kwh", None),
        sa.Column("vat_ppm", sa.Integer(), server_default="0", nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("rate_ueur_per_kwh >= 0", name="rate"),
        sa.CheckConstraint("vat_ppm BETWEEN 0 AND 1000000", name="vat"),
        sa.CheckConstraint("(kind = 'COMMUNITY_FUND') = (community_id IS NOT NULL)", name="fund"),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("market_id", "kind", "payer", "valid_from"),
    )
    op.execute("GRANT SELECT, INSERT ON market_charge TO commonwatt_app")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON market_charge "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _make_grid() -> None:
    op.create_table(
        "zone_halt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("halted_by_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > started_at", name="expiry"),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"]),
        sa.ForeignKeyConstraint(["halted_by_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    standing = sa.text("lifted_at IS NULL")
    op.create_index("uq_zone_halt_standing", "zone_halt", ["zone_id"], unique=True, postgresql_where=standing)
    op.create_index("ix_zone_halt_zone_id", "zone_halt", ["zone_id", "id"])
    op.create_table(
        "zone_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind", text_enum("limitkind", "PER_ORDER", "PER_MEMBER_AND_DAY", "PER_ZONE_AND_INTERVAL"), nullable=False
        ),
        micro("energy_ukwh", None),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("energy_ukwh > 0", name="energy"),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"]),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("zone_id", "kind"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON zone_halt TO commonwatt_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON zone_limit TO commonwatt_app")


def _make_notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notice_open", "notice", ["id"], postgresql_where=sa.text("taken_at IS NULL"))
    op.execute("GRANT SELECT, INSERT, UPDATE ON notice TO commonwatt_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("notice", "zone_limit", "zone_halt", "market_charge"):
        op.drop_table(table)
    for column in ("parameters", "class_prices", "congestion_rent_ueur", "bound_ueur"):
        op.drop_column("clearing", column)
    op.drop_index("ix_trade_delivery_start", "trade")
    for column in ("seller_escrow_ueur", "buyer_escrow_ueur"):
        op.drop_column("trade", column)
    for column in (
        *("closed_reason", "replaces_id", "valid_until", "held_ueur", "exposure_ueur_per_kwh", "minimum_fill_ukwh"),
        *("filling", "accepts"),
    ):
        op.drop_column("market_order", column)
    op.drop_index("ix_market_order_owner_delivery", "market_order")
    for column in ("version", "is_capacity_checked", "grace_days", "energy_vat_ppm", "penalty_ueur_per_kwh"):
        op.drop_column("market", column)
    for table, column, name, before, _ in ENUMS:
        checked(table, column, name, before)
