"""count changes of sight: whoever changes what a viewer is, by whatever path, counts it at the user

Revision ID: sight
Revises: frameworks
Create Date: 2026-11-21 11:30:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "sight"
down_revision: str | None = "frameworks"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Locks users in the order of their ids, so that two statements that change many never wait for each other.
COUNT_CHANGE = """
CREATE FUNCTION count_change_of_sight(user_ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM user_account WHERE id = ANY (user_ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE user_account SET sight_version = sight_version + 1 WHERE id = ANY (user_ids);
END $$
"""

# Each is a trigger of statements that sees their rows, as they were or as they became, under the name `changed`.
TRIGGER_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM count_change_of_sight(ARRAY(SELECT DISTINCT user_id FROM {rows} WHERE user_id IS NOT NULL));
  RETURN NULL;
END $$
"""
TRIGGER_FUNCTIONS = {
    "count_users_changed": "changed",
    "count_memberships_changed": "changed JOIN member ON member.id = changed.member_id",
    "count_truncated": "(SELECT id AS user_id FROM user_account) AS everybody",
}
FUNCTION_OF_TABLE = {
    "user_role": "count_users_changed",
    "member": "count_users_changed",
    "membership": "count_memberships_changed",
}
EVENTS = {"inserted": "INSERT", "became": "UPDATE", "was": "UPDATE", "deleted": "DELETE"}
ROWS = {"inserted": "NEW", "became": "NEW", "was": "OLD", "deleted": "OLD"}

# Being used is noted in a key's row each minute, and changes nothing.
COUNT_KEY = """
CREATE FUNCTION count_key_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM count_change_of_sight(ARRAY[NEW.owner_id]);
  RETURN NULL;
END $$
"""
KEY_TRIGGER = """
CREATE TRIGGER count_change AFTER UPDATE OF kind, scopes ON api_key FOR EACH ROW
WHEN ((OLD.kind, OLD.scopes) IS DISTINCT FROM (NEW.kind, NEW.scopes)) EXECUTE FUNCTION count_key_changed()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("user_account", sa.Column("sight_version", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(COUNT_CHANGE)
    op.execute("REVOKE ALL ON FUNCTION count_change_of_sight(uuid[]) FROM PUBLIC")
    for name, rows in TRIGGER_FUNCTIONS.items():
        op.execute(TRIGGER_FUNCTION.format(name=name, rows=rows))
    for table, function in FUNCTION_OF_TABLE.items():
        for name, event in EVENTS.items():
            op.execute(
                f"CREATE TRIGGER count_{name} AFTER {event} ON {table} REFERENCING {ROWS[name]} TABLE AS changed "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
        op.execute(
            f"CREATE TRIGGER count_truncated AFTER TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION count_truncated()"
        )
    op.execute(COUNT_KEY)
    op.execute(KEY_TRIGGER)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER count_change ON api_key")
    for table in FUNCTION_OF_TABLE:
        for name in (*EVENTS, "truncated"):
            op.execute(f"DROP TRIGGER count_{name} ON {table}")
    for function in ("count_key_changed", *TRIGGER_FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION count_change_of_sight(uuid[])")
    op.drop_column("user_account", "sight_version")
