"""check lists: roles and directions are known ones; pages of members and of trades are read in order from an index

Revision ID: lists
Revises: sight
Create Date: 2026-11-21 12:15:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "lists"
down_revision: str | None = "sight"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_check_constraint("known_roles", "membership", "roles <@ ARRAY['ADMIN', 'MEMBER']")
    op.create_check_constraint("known_directions", "metering_point", "directions <@ ARRAY['INJECTED', 'WITHDRAWN']")
    op.create_index(
        "ix_membership_community_member",
        "membership",
        ["community_id", "member_id"],
        postgresql_include=["valid_from", "valid_to"],
    )
    op.drop_index("ix_trade_seller_market_id", "trade")
    op.create_index(
        "ix_trade_seller_market_id",
        "trade",
        ["seller_market_id", "id"],
        postgresql_where=sa.text("seller_market_id <> market_id"),
    )


def downgrade() -> None:
    op.drop_index("ix_trade_seller_market_id", "trade")
    op.create_index("ix_trade_seller_market_id", "trade", ["seller_market_id", "id"])
    op.drop_index("ix_membership_community_member", "membership")
    op.drop_constraint(op.f("ck_metering_point_known_directions"), "metering_point")
    op.drop_constraint(op.f("ck_membership_known_roles"), "membership")
