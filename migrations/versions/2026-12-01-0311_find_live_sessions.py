"""find the sessions of a user that can go on

Revision ID: live_sessions
Revises: devices
Create Date: 2026-12-01 03:11:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "live_sessions"
down_revision: str | None = "devices"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIVE = "rotated_at IS NULL AND revoked_at IS NULL"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_session_live", "session", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_session_live",
            "session",
            ["user_id", "id"],
            postgresql_where=sa.text(LIVE),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_session_live", "session", postgresql_concurrently=True)
