"""count how work ends, find what failed, and what waits to be announced

Revision ID: ends
Revises: agreed
Create Date: 2026-12-01 01:30:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "ends"
down_revision: str | None = "agreed"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FINAL = {
    "job": ("status", "'SUCCEEDED', 'FAILED', 'CANCELLED'"),
    "message_delivery": ("status", "'DELIVERED', 'GIVEN_UP'"),
    "payment": ("status", "'SUCCEEDED', 'FAILED', 'CANCELLED'"),
    "webhook": ("disabled_reason", "'UNANSWERED', 'GONE'"),
}
COUNTED = """
CREATE FUNCTION count_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'message_delivery' THEN
        INSERT INTO work_ended (work, kind, outcome) VALUES (TG_TABLE_NAME, NEW.channel, NEW.status);
    ELSIF TG_TABLE_NAME = 'webhook' THEN
        INSERT INTO work_ended (work, kind, outcome) VALUES (TG_TABLE_NAME, NEW.disabled_reason, 'DISABLED');
    ELSE
        INSERT INTO work_ended (work, kind, outcome) VALUES (TG_TABLE_NAME, NEW.kind, NEW.status);
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "work_ended",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_ended")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON work_ended TO commonwatt_app")
    op.execute(COUNTED)
    for table, (column, ends) in FINAL.items():
        # Unlike most rows that are changed, so that renewing a lease costs nothing.
        op.execute(
            f"CREATE TRIGGER count_ended AFTER UPDATE OF {column} ON {table} FOR EACH ROW "
            f"WHEN (NEW.{column} IN ({ends}) AND OLD.{column} IS DISTINCT FROM NEW.{column}) "
            "EXECUTE FUNCTION count_ended()"
        )


def downgrade() -> None:
    for table in FINAL:
        op.execute(f"DROP TRIGGER count_ended ON {table}")
    op.execute("DROP FUNCTION count_ended()")
    op.drop_table("work_ended")
