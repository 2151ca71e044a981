"""operate grids: capacity, load, alerts and notices of zones; search the audit log, and keep verifications

Revision ID: grid
Revises: terms
Create Date: 2026-11-21 15:10:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "grid"
down_revision: str | None = "terms"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("zone_capacity", "zone_load", "verification")
KINDS = (
    *("ALLOCATE_PERIOD", "CLEAR_MARKET"),
    *("SETTLE_DELIVERIES", "MAKE_STATEMENTS", "RUN_TRADING_RULES", "SIMULATE_TRADING_RULE", "FORECAST_PRICES"),
    *("DELIVER_NOTIFICATIONS", "MEASURE_GRID", "RATE_MEMBERS"),
)
SEARCHED = {
    "ix_audit_entry_at": ["at", "chain", "sequence"],
    "ix_audit_entry_actor": ["actor", "at", "chain", "sequence"],
    "ix_audit_entry_subject_id": ["subject_id", "at", "chain", "sequence"],
}


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def direction() -> sa.Column[str]:
    return sa.Column("direction", text_enum("direction", "INJECTED", "WITHDRAWN"), nullable=False)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def know_kinds(*kinds: str) -> None:
    known = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_job_jobkind"), "job", type_="check")
    op.create_check_constraint(op.f("ck_job_jobkind"), "job", f"kind IN ({known})")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    know_kinds(*KINDS, "VERIFY")
    for name, columns in SEARCHED.items():
        op.create_index(name, "audit_entry", columns)
    _make_verification()
    _make_capacity()
    _make_load()
    _make_alerts()
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _make_verification() -> None:
    op.create_table(
        "verification",
        sa.Column("id", sa.Uuid(), nullable=False),
        instant("started_at"),
        instant("finished_at"),
        sa.Column("checks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("breaches_count", sa.Integer(), nullable=False),
        sa.Column("breaches", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("breaches_count >= 0", name="count"),
        sa.PrimaryKeyConstraint("id"),
    )


def _make_capacity() -> None:
    op.create_table(
        "zone_capacity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        direction(),
        sa.Column("power_w", sa.BigInteger(), nullable=False),
        instant("valid_from"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        created_at(),
        sa.CheckConstraint("power_w > 0", name="power"),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"]),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("zone_id", "direction", "valid_from"),
    )
    op.create_index("ix_zone_capacity_zone_id", "zone_capacity", ["zone_id", "id"])


def _make_load() -> None:
    op.create_table(
        "zone_load",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        instant("interval_start"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("injected_ukwh", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_ukwh", sa.BigInteger(), nullable=True),
        sa.Column("points_count", sa.Integer(), nullable=False),
        sa.Column("members_count", sa.Integer(), nullable=False),
        sa.Column("net_export_ukwh", sa.BigInteger(), nullable=False),
        direction(),
        sa.Column("load_w", sa.BigInteger(), nullable=False),
        sa.Column("capacity_w", sa.BigInteger(), nullable=True),
        sa.Column("utilisation_ppm", sa.BigInteger(), nullable=True),
        instant("measured_at"),
        sa.CheckConstraint("injected_ukwh >= 0 AND withdrawn_ukwh >= 0", name="not_negative"),
        sa.CheckConstraint("(injected_ukwh IS NULL) = (withdrawn_ukwh IS NULL)", name="metered"),
        sa.CheckConstraint("(capacity_w IS NULL) = (utilisation_ppm IS NULL)", name="utilisation"),
        sa.CheckConstraint("load_w >= 0 AND version > 0 AND points_count >= 0 AND members_count >= 0", name="counts"),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("zone_id", "interval_start", "version"),
    )


def _make_alerts() -> None:
    op.create_table(
        "grid_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            text_enum("alertkind", "CONGESTION", "OUTAGE", "MAINTENANCE", "EMERGENCY", "INFORMATION"),
            nullable=False,
        ),
        sa.Column("severity", text_enum("severity", "NOTICE", "WARNING", "CRITICAL"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        instant("starts_at"),
        instant("ends_at", nullable=True),
        sa.Column("issued_by_id", sa.Uuid(), nullable=True),
        instant("withdrawn_at", nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        created_at(),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="end"),
        sa.CheckConstraint("withdrawn_at IS NOT NULL OR withdrawn_reason IS NULL", name="withdrawal"),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"]),
        sa.ForeignKeyConstraint(["issued_by_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["withdrawn_by_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_grid_alert_zone_id", "grid_alert", ["zone_id", "id"])
    op.create_index(
        "uq_grid_alert_episode",
        "grid_alert",
        ["zone_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'CONGESTION' AND issued_by_id IS NULL AND withdrawn_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON grid_alert TO commonwatt_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("grid_alert", "zone_load", "zone_capacity", "verification"):
        op.drop_table(table)
    for name in SEARCHED:
        op.drop_index(name, "audit_entry")
    op.execute("DELETE FROM job WHERE kind = 'VERIFY'")
    know_kinds(*KINDS)
