"""let keys that nothing was allocated by be replaced and removed

Revision ID: keys
Revises: untraded
Create Date: 2026-11-30 22:30:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "keys"
down_revision: str | None = "untraded"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Allocations refer to their keys, so that a key that was used cannot be deleted.
    op.execute("GRANT DELETE ON sharing_key, key_share TO commonwatt_app")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON sharing_key, key_share FROM commonwatt_app")
