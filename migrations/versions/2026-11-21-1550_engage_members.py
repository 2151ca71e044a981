"""engage members: cards, reputation and opting out

Revision ID: engagement
Revises: rules
Create Date: 2026-11-21 15:50:00
"""

from collections.abc import Sequence

revision: str = "engagement"
down_revision: str | None = "rules"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
