"""auction surplus: Dutch auctions and their bids

Revision ID: auctions
Revises: statements
Create Date: 2026-11-21 15:35:00
"""

from collections.abc import Sequence

revision: str = "auctions"
down_revision: str | None = "statements"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
