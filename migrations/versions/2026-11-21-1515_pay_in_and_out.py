"""pay in and out: deposits and withdrawals through a provider

Revision ID: payments
Revises: grid
Create Date: 2026-11-21 15:15:00
"""

from collections.abc import Sequence

revision: str = "payments"
down_revision: str | None = "grid"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
