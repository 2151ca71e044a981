"""state accounts: monthly statements and credit notes

Revision ID: statements
Revises: certificates
Create Date: 2026-11-21 15:30:00
"""

from collections.abc import Sequence

revision: str = "statements"
down_revision: str | None = "certificates"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
