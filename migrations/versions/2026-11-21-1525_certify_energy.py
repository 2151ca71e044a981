"""certify energy: one certificate per seller, interval and source

Revision ID: certificates
Revises: delivery
Create Date: 2026-11-21 15:25:00
"""

from collections.abc import Sequence

revision: str = "certificates"
down_revision: str | None = "delivery"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
