"""notify people: messages, preferences and web hooks

Revision ID: notifications
Revises: engagement
Create Date: 2026-11-21 15:55:00
"""

from collections.abc import Sequence

revision: str = "notifications"
down_revision: str | None = "engagement"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
