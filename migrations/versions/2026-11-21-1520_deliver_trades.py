"""deliver trades: what was metered of each, and what was settled

Revision ID: delivery
Revises: payments
Create Date: 2026-11-21 15:20:00
"""

from collections.abc import Sequence

revision: str = "delivery"
down_revision: str | None = "payments"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
