"""tell changes of sight by the time, so that none is told as another was before the database was restored

Revision ID: sight_times
Revises: failures
Create Date: 2026-12-01 01:35:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "sight_times"
down_revision: str | None = "failures"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNT_CHANGE = """
CREATE OR REPLACE FUNCTION count_change_of_sight(user_ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM user_account WHERE id = ANY (user_ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE user_account SET sight_version = {version} WHERE id = ANY (user_ids);
END $$
"""
COUNTED = "sight_version + 1"
TIMED = f"greatest({COUNTED}, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"


def upgrade() -> None:
    op.execute(COUNT_CHANGE.format(version=TIMED))


def downgrade() -> None:
    op.execute(COUNT_CHANGE.format(version=COUNTED))
