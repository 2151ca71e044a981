"""publish sets: which sums over people were told to whom, instead of counts of members beside each sum

Revision ID: published
Revises: turns
Create Date: 2026-11-30 21:30:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "published"
down_revision: str | None = "turns"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

REASONS = ("UNDECIDED", "FEWER_THAN_FIVE", "DIFFERENCE", "DOMINANCE", "INCOMPLETE", "RESOLUTION")
COLUMNS = ("injected_withheld", "withdrawn_withheld")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "published_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.String(length=40), nullable=False),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("end_day", sa.Date(), nullable=False),
        sa.Column("points", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("persons", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("factors_ppm", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("withheld", sa.String(length=40), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("end_day > first_day", name=op.f("ck_published_set_days")),
        sa.CheckConstraint(
            "cardinality(points) = cardinality(persons) AND cardinality(points) = cardinality(factors_ppm)",
            name=op.f("ck_published_set_points"),
        ),
        sa.CheckConstraint("kind IN ('ZONE', 'COMMUNITY', 'RUN')", name=op.f("ck_published_set_setkind")),
        sa.CheckConstraint("direction IN ('INJECTED', 'WITHDRAWN')", name=op.f("ck_published_set_direction")),
        sa.CheckConstraint("audience IN ('OUTSIDERS', 'MEMBERS')", name=op.f("ck_published_set_audience")),
        sa.CheckConstraint(_known("withheld"), name=op.f("ck_published_set_suppression")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_set")),
    )
    op.create_index(
        "ix_published_set_subject_id", "published_set", ["subject_id", "direction", "audience", "first_day"]
    )
    op.create_index("ix_published_set_days", "published_set", ["first_day", "end_day"])
    op.execute("GRANT SELECT, INSERT, DELETE ON published_set TO commonwatt_app")
    op.drop_column("allocation_run", "members_min")
    op.drop_constraint(op.f("ck_zone_load_counts"), "zone_load", type_="check")
    op.create_check_constraint(op.f("ck_zone_load_counts"), "zone_load", "load_w >= 0 AND version > 0")
    for column in COLUMNS:  # What was metered before is withheld: nobody can tell any more of whom it was.
        op.add_column("zone_load", sa.Column(column, sa.String(length=40), nullable=True))
        op.create_check_constraint(op.f(f"ck_zone_load_{column}"), "zone_load", _known(column))
    op.execute("ALTER TABLE zone_load DISABLE TRIGGER USER")
    op.execute(
        "UPDATE zone_load SET injected_withheld = 'UNDECIDED', withdrawn_withheld = 'UNDECIDED' "
        "WHERE injected_ukwh IS NOT NULL"
    )
    op.execute("ALTER TABLE zone_load ENABLE TRIGGER USER")
    op.drop_column("zone_load", "points_count")
    op.drop_column("zone_load", "members_count")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("allocation_run", sa.Column("members_min", sa.Integer(), server_default="0", nullable=False))
    op.drop_constraint(op.f("ck_zone_load_counts"), "zone_load", type_="check")
    for column in COLUMNS:
        op.drop_column("zone_load", column)
    for column in ("points_count", "members_count"):
        op.add_column("zone_load", sa.Column(column, sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_zone_load_counts"),
        "zone_load",
        "load_w >= 0 AND version > 0 AND points_count >= 0 AND members_count >= 0",
    )
    op.drop_table("published_set")


def _known(column: str) -> str:
    return f"{column} IN ({', '.join(repr(reason) for reason in REASONS)})"
