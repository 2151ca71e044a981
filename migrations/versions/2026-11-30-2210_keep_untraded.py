"""why nothing was traded though limits had been met

Revision ID: untraded
Revises: holding
Create Date: 2026-11-30 22:10:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "untraded"
down_revision: str | None = "holding"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "untraded",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("price_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("told", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_untraded_market_id_market")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_untraded")),
        sa.UniqueConstraint(
            "market_id", "delivery_start", "batch", name=op.f("uq_untraded_market_id_delivery_start_batch")
        ),
    )
    op.execute("GRANT SELECT, INSERT ON untraded TO commonwatt_app")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON untraded "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("untraded")
