"""an index of each owner's open jobs, to hand them out in turn

Revision ID: turns
Revises: doors
Create Date: 2026-11-30 12:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "turns"
down_revision: str | None = "doors"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_job_turn",
        "job",
        ["owner_id", "created_at"],
        postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING') AND owner_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_job_turn", table_name="job")
