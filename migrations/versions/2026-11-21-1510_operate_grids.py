"""operate grids: capacity, load, alerts and notices of zones

Revision ID: grid
Revises: terms
Create Date: 2026-11-21 15:10:00
"""

from collections.abc import Sequence

revision: str = "grid"
down_revision: str | None = "terms"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
