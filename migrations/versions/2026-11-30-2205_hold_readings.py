"""hold implausible readings until somebody decides

Revision ID: holding
Revises: founders
Create Date: 2026-11-30 22:05:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "holding"
down_revision: str | None = "founders"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DIRECTIONS = ("INJECTED", "WITHDRAWN")
QUALITIES = ("MEASURED", "ESTIMATED", "SUBSTITUTED", "SIMULATED")
DECISIONS = ("RELEASED", "DISCARDED")
REASONS = ("ABOVE_CONNECTION_POWER", "WORSE_QUALITY", "COARSER_RESOLUTION")


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("metering_point", sa.Column("connection_power_w", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_metering_point_connection_power"), "metering_point", "connection_power_w > 0")
    op.create_table(
        "held_readings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column("direction", text_enum("direction", *DIRECTIONS), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("resolution_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("quality", text_enum("quality", *QUALITIES), nullable=False),
        sa.Column("values_ukwh", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("highest_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decision", text_enum("holddecision", *DECISIONS), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint("cardinality(reasons) > 0", name="some_reason"),
        sa.CheckConstraint(f"reasons <@ ARRAY[{', '.join(map(repr, REASONS))}]", name="known_reasons"),
        sa.CheckConstraint("num_nulls(decision, decided_at, decided_by) IN (0, 3)", name="decided"),
        sa.ForeignKeyConstraint(["metering_point_id"], ["metering_point.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_held_readings_metering_point_id", "held_readings", ["metering_point_id", "id"])
    op.execute("GRANT SELECT, INSERT ON held_readings TO commonwatt_app")
    op.execute("GRANT UPDATE (decision, decided_at, decided_by) ON held_readings TO commonwatt_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("held_readings")
    op.drop_constraint(op.f("ck_metering_point_connection_power"), "metering_point")
    op.drop_column("metering_point", "connection_power_w")
