"""find what failed, the newest first, without reading what went well

Revision ID: failures
Revises: ends
Create Date: 2026-12-01 01:31:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "failures"
down_revision: str | None = "ends"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = (
    ("ix_job_failed", "job", ["finished_at", "id"], "status = 'FAILED'"),
    ("ix_message_delivery_given_up", "message_delivery", ["channel", "created_at", "id"], "status = 'GIVEN_UP'"),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns, where in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_where=sa.text(where), postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _, _ in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True)
