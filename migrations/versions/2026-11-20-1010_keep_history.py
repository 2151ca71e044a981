"""keep history: the application's role, append-only tables and month partitions of readings

Revision ID: history
Revises: tables
Create Date: 2026-11-20 10:10:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "history"
down_revision: str | None = "tables"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = (
    "audit_entry",
    "event",
    "allocation_run",
    "member_allocation",
    "allocation_day",
    "allocation_difference",
    "operator_figure",
    "clearing",
    "trade",
    "reading_import",
)
READ_ONLY = ("framework", "alembic_version", "spatial_ref_sys")
DELETABLE = ("idempotency_key",)

ROLE = """
DO $$ BEGIN
  CREATE ROLE commonwatt_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""

KEEP_READING = """
CREATE FUNCTION keep_reading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' THEN
    RAISE EXCEPTION 'readings are kept: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.superseded_at IS NOT NULL
     OR (NEW.metering_point_id, NEW.direction, NEW.day, NEW.version, NEW.resolution_minutes)
        IS DISTINCT FROM (OLD.metering_point_id, OLD.direction, OLD.day, OLD.version, OLD.resolution_minutes)
     OR cardinality(NEW.values_ukwh) <> cardinality(OLD.values_ukwh)
     OR EXISTS (SELECT FROM unnest(OLD.values_ukwh, NEW.values_ukwh) AS pair (was, becomes)
                WHERE was IS NOT NULL AND becomes IS DISTINCT FROM was)
  THEN
    RAISE EXCEPTION 'a reading that has arrived is corrected by a new version' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$
"""

# The application's role owns nothing, so it asks this function for a partition. The table is made beside and then
# attached, because attaching does not stop readers.
MAKE_PARTITION = """
CREATE FUNCTION make_reading_partition(month date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
DECLARE
  first_day date := date_trunc('month', month);
  next_month date := first_day + interval '1 month';
  partition text := to_char(first_day, '"reading_y"YYYY"m"MM');
BEGIN
  IF to_regclass(partition) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('make_reading_partition'));
  IF to_regclass(partition) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I (LIKE reading INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)', partition);
  EXECUTE format('ALTER TABLE %I ADD CONSTRAINT month CHECK (day >= %L AND day < %L)', partition, first_day, next_month);
  EXECUTE format('ALTER TABLE reading ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, first_day, next_month);
  EXECUTE format('ALTER TABLE %I DROP CONSTRAINT month', partition);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO commonwatt_app', partition);
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ROLE)
    op.execute("GRANT USAGE ON SCHEMA public TO commonwatt_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO commonwatt_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO commonwatt_app")
    op.execute(f"REVOKE UPDATE ON {', '.join(APPEND_ONLY)} FROM commonwatt_app")
    op.execute(f"REVOKE INSERT, UPDATE ON {', '.join(READ_ONLY)} FROM commonwatt_app")
    op.execute(f"GRANT DELETE ON {', '.join(DELETABLE)} TO commonwatt_app")
    op.execute("GRANT commonwatt_app TO CURRENT_USER")
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(KEEP_READING)
    op.execute(
        "CREATE TRIGGER keep_reading BEFORE UPDATE OR DELETE ON reading FOR EACH ROW EXECUTE FUNCTION keep_reading()"
    )
    op.execute(MAKE_PARTITION)
    op.execute("REVOKE ALL ON FUNCTION make_reading_partition(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION make_reading_partition(date) TO commonwatt_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION make_reading_partition(date)")
    op.execute("DROP TRIGGER keep_reading ON reading")
    op.execute("DROP FUNCTION keep_reading()")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM commonwatt_app")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM commonwatt_app")
    op.execute("REVOKE USAGE ON SCHEMA public FROM commonwatt_app")
