"""engage members: cards, reputation and opting out

Revision ID: engagement
Revises: rules
Create Date: 2026-11-21 15:50:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "engagement"
down_revision: str | None = "rules"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("member_card", "member_rating")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_cards()
    _make_preferences()
    _make_ratings()
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE ON engagement_preference TO commonwatt_app")


def _created() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _make_cards() -> None:
    op.create_table(
        "member_card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        _created(),
        sa.CheckConstraint("label ~ '^House [A-HJ-NP-Z][1-9][0-9]*$'", name="label"),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"]),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("membership_id"),
        sa.UniqueConstraint("community_id", "label"),
    )
    op.create_index("ix_member_card_community_id", "member_card", ["community_id", "id"])


def _make_preferences() -> None:
    op.create_table(
        "engagement_preference",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("is_opted_out", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )


def _make_ratings() -> None:
    op.create_table(
        "member_rating",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sales_count", sa.Integer(), nullable=False),
        sa.Column("sold_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("sold_kept_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("purchases_count", sa.Integer(), nullable=False),
        sa.Column("bought_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("bought_kept_ukwh", sa.BigInteger(), nullable=False),
        _created(),
        sa.CheckConstraint(
            "sales_count >= 0 AND purchases_count >= 0 AND sales_count + purchases_count > 0", name="some"
        ),
        sa.CheckConstraint(
            "sold_kept_ukwh BETWEEN 0 AND sold_ukwh AND bought_kept_ukwh BETWEEN 0 AND bought_ukwh", name="kept"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("day", "user_id"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("member_rating", "engagement_preference", "member_card"):
        op.drop_table(table)
