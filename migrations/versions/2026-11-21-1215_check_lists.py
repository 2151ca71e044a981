"""check lists: roles and directions are known ones; a community's members are read in order from an index

Revision ID: lists
Revises: sight
Create Date: 2026-11-21 12:15:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "lists"
down_revision: str | None = "sight"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_check_constraint("known_roles", "membership", "roles <@ ARRAY['ADMIN', 'MEMBER']")
    op.create_check_constraint("known_directions", "metering_point", "directions <@ ARRAY['INJECTED', 'WITHDRAWN']")
    op.create_index("ix_membership_community_member", "membership", ["community_id", "member_id"])


def downgrade() -> None:
    op.drop_index("ix_membership_community_member", "membership")
    op.drop_constraint(op.f("ck_metering_point_known_directions"), "metering_point")
    op.drop_constraint(op.f("ck_membership_known_roles"), "membership")
