"""who founded a community

Revision ID: founders
Revises: languages
Create Date: 2026-11-30 22:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "founders"
down_revision: str | None = "languages"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("community", sa.Column("founder_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_community_founder_id_user_account"), "community", "user_account", ["founder_id"], ["id"]
    )
    op.create_index(op.f("ix_community_founder_id"), "community", ["founder_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_community_founder_id"), table_name="community")
    op.drop_constraint(op.f("fk_community_founder_id_user_account"), "community", type_="foreignkey")
    op.drop_column("community", "founder_id")
