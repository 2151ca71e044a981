"""members that wait for an account, and metering points that have one code

Revision ID: doors
Revises: words
Create Date: 2026-11-30 11:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "doors"
down_revision: str | None = "words"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("member", sa.Column("awaited_email", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_member_awaited"), "member", "user_id IS NULL OR awaited_email IS NULL")
    op.create_index(
        "ix_member_awaited_email",
        "member",
        [sa.text("lower(awaited_email)")],
        postgresql_where=sa.text("awaited_email IS NOT NULL"),
    )
    op.create_index(op.f("ix_metering_point_code"), "metering_point", ["code"])
    op.drop_constraint(op.f("uq_metering_point_code"), "metering_point", type_="unique")


def downgrade() -> None:
    op.create_unique_constraint(op.f("uq_metering_point_code"), "metering_point", ["code"])
    op.drop_index(op.f("ix_metering_point_code"), table_name="metering_point")
    op.drop_index("ix_member_awaited_email", table_name="member")
    op.drop_constraint(op.f("ck_member_awaited"), "member", type_="check")
    op.drop_column("member", "awaited_email")
