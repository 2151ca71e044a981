"""watch prices: price model, forecasts and price alerts

Revision ID: intelligence
Revises: auctions
Create Date: 2026-11-21 15:40:00
"""

from collections.abc import Sequence

revision: str = "intelligence"
down_revision: str | None = "auctions"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
