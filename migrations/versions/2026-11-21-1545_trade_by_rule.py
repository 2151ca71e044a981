"""trade by rule: trading rules and their simulations

Revision ID: rules
Revises: intelligence
Create Date: 2026-11-21 15:45:00
"""

from collections.abc import Sequence

revision: str = "rules"
down_revision: str | None = "intelligence"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
