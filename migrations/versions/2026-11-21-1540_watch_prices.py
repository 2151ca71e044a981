"""watch prices: price models, grid tariffs, forecasts and price alerts

Revision ID: intelligence
Revises: auctions
Create Date: 2026-11-21 15:40:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "intelligence"
down_revision: str | None = "auctions"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("price_model", "price_tier", "grid_tariff", "tariff_tier", "price_forecast")
CHANGED = ("price_alert", "watched_market", "watched_price")
DELETABLE = ("price_alert", "watched_price")
METHODS = ("SEASONAL_NAIVE", "RIDGE")
REASONS = ("NO_PRICES", "TOO_LITTLE_HISTORY", "TOO_FEW_PRICES", "NAIVE_WAS_BETTER")


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def micro(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created_at() -> sa.Column[sa.DateTime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def calendar() -> tuple[sa.Column[str], sa.Column[list[sa.Date]]]:
    return (
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("holidays", postgresql.ARRAY(sa.Date()), nullable=False),
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_models()
    _make_tariffs()
    _make_forecasts()
    _make_alerts()
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in CHANGED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO commonwatt_app")
    for table in DELETABLE:
        op.execute(f"GRANT DELETE ON {table} TO commonwatt_app")


def _make_tiers(table: str, parent: str) -> None:
    op.create_table(
        table,
        sa.Column(f"{parent}_id", sa.Uuid(), nullable=False),
        number("rank"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("days", postgresql.ARRAY(sa.Text()), nullable=False),
        *(number(name) for name in ("first_month", "last_month", "from_minute", "to_minute")),
        micro("value_ueur_per_kwh"),
        sa.CheckConstraint("days <@ ARRAY['WEEKDAY', 'WEEKEND', 'HOLIDAY']", name="known_days"),
        sa.CheckConstraint("first_month BETWEEN 1 AND 12 AND last_month BETWEEN 1 AND 12", name="months"),
        sa.CheckConstraint(
            "from_minute BETWEEN 0 AND 1439 AND to_minute BETWEEN 1 AND 1440 AND from_minute <> to_minute",
            name="minutes",
        ),
        sa.ForeignKeyConstraint([f"{parent}_id"], [f"{parent}.id"]),
        sa.PrimaryKeyConstraint(f"{parent}_id", "rank"),
    )


def _make_models() -> None:
    op.create_table(
        "price_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        instant("valid_from"),
        *(number(name) for name in ("ratio_weight_ppm", "mid_market_weight_ppm", "crossing_weight_ppm")),
        *(number(name) for name in ("compensation_ppm", "divider_ppm")),
        micro("congestion_ueur_per_kwh"),
        number("congestion_from_ppm"),
        sa.Column("has_floor", sa.Boolean(), nullable=False),
        sa.Column("has_cap", sa.Boolean(), nullable=False),
        *calendar(),
        created_at(),
        sa.CheckConstraint(
            "ratio_weight_ppm >= 0 AND mid_market_weight_ppm >= 0 AND crossing_weight_ppm >= 0 "
            "AND ratio_weight_ppm + mid_market_weight_ppm + crossing_weight_ppm = 1000000",
            name="weights",
        ),
        sa.CheckConstraint("compensation_ppm BETWEEN 0 AND 1000000", name="compensation"),
        sa.CheckConstraint("divider_ppm BETWEEN 0 AND 1000000", name="divider"),
        sa.CheckConstraint(
            "congestion_ueur_per_kwh >= 0 AND congestion_from_ppm BETWEEN 0 AND 999999", name="congestion"
        ),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_price_model_market_id", "price_model", ["market_id", "valid_from", "id"])
    _make_tiers("price_tier", "price_model")


def _make_tariffs() -> None:
    op.create_table(
        "grid_tariff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("direction", text_enum("griddirection", "IMPORT", "EXPORT"), nullable=False),
        micro("price_ueur_per_kwh"),
        *calendar(),
        instant("valid_from"),
        created_at(),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_grid_tariff_zone_id", "grid_tariff", ["zone_id", "direction", "valid_from", "id"])
    _make_tiers("tariff_tier", "grid_tariff")


def _make_forecasts() -> None:
    errors = ("mae_ueur_per_kwh", "rmse_ueur_per_kwh", "naive_mae_ueur_per_kwh", "naive_rmse_ueur_per_kwh")
    op.create_table(
        "price_forecast",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        instant("made_at"),
        sa.Column("method", text_enum("forecastmethod", *METHODS), nullable=False),
        sa.Column("reason", text_enum("naivereason", *REASONS), nullable=True),
        number("interval_minutes"),
        sa.Column("prices_ueur_per_kwh", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        *(micro(name, nullable=True) for name in errors),
        number("backtest_days"),
        number("backtest_prices", nullable=True),
        created_at(),
        sa.CheckConstraint("(method = 'SEASONAL_NAIVE') = (reason IS NOT NULL)", name="reason"),
        sa.CheckConstraint(f"num_nulls({', '.join(errors)}, backtest_prices) IN (0, 5)", name="backtest"),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("market_id", "made_at"),
    )


def _make_alerts() -> None:
    op.create_table(
        "price_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("direction", text_enum("alertdirection", "ABOVE", "BELOW"), nullable=False),
        micro("threshold_ueur_per_kwh"),
        number("cool_down_minutes", nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("after_sequence", sa.BigInteger(), nullable=False),
        sa.Column("times_fired", sa.Integer(), server_default="0", nullable=False),
        instant("last_fired_at", nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        created_at(),
        sa.CheckConstraint("cool_down_minutes BETWEEN 1 AND 10080", name="cool_down"),
        sa.CheckConstraint("times_fired >= 0 AND (times_fired > 0) = (last_fired_at IS NOT NULL)", name="fired"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_price_alert_owner_id", "price_alert", ["owner_id", "id"])
    op.create_index("ix_price_alert_active", "price_alert", ["market_id"], postgresql_where=sa.text("is_active"))
    op.create_table(
        "watched_market",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("market_id"),
    )
    op.create_table(
        "watched_price",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        instant("delivery_start"),
        micro("price_ueur_per_kwh"),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("market_id", "delivery_start"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in (
        *("watched_price", "watched_market", "price_alert", "price_forecast"),
        *("tariff_tier", "grid_tariff", "price_tier", "price_model"),
    ):
        op.drop_table(table)
