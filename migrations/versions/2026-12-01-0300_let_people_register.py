"""let people register, by links that confirm their addresses

Revision ID: accounts
Revises: sight_times
Create Date: 2026-12-01 03:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "accounts"
down_revision: str | None = "sight_times"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("address", sa.Text()))
    op.add_column("user_account", sa.Column("phone", sa.Text()))
    op.add_column("user_account", sa.Column("is_confirmed", sa.Boolean(), server_default="true", nullable=False))
    op.create_table(
        "account_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                *("CONFIRM_REGISTRATION", "RESET_PASSWORD", "CHANGE_EMAIL"),
                name="linkpurpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_link"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_account_link_user_id_user_account"),
    )
    op.create_index("ix_account_link_user_id", "account_link", ["user_id", "purpose"])
    op.execute("GRANT SELECT, INSERT, UPDATE ON account_link TO commonwatt_app")


def downgrade() -> None:
    op.drop_table("account_link")
    op.drop_column("user_account", "is_confirmed")
    op.drop_column("user_account", "phone")
    op.drop_column("user_account", "address")
