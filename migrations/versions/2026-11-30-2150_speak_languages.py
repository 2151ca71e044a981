"""keep in which language a user is told, and whether the user chose it

Revision ID: languages
Revises: published
Create Date: 2026-11-30 21:50:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "languages"
down_revision: str | None = "published"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("user_account", sa.Column("language", sa.String(40), server_default="EN", nullable=False))
    op.add_column("user_account", sa.Column("is_language_chosen", sa.Boolean, server_default="false", nullable=False))
    op.create_check_constraint(op.f("ck_user_account_language"), "user_account", "language IN ('EN', 'DE', 'FR', 'IT')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("user_account", "is_language_chosen")
    op.drop_column("user_account", "language")
