"""read by index: a membership's participations and the jobs of a community, which read whole tables

Revision ID: reads
Revises: lists
Create Date: 2026-11-21 12:30:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "reads"
down_revision: str | None = "lists"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_participation_membership_id", "participation", ["membership_id", "id"])
    op.create_index("ix_job_community_id", "job", ["community_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_job_community_id", "job")
    op.drop_index("ix_participation_membership_id", "participation")
