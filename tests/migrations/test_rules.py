"""Migrations that run beside people's work hold nothing for long: rules of `bin.checking.online`."""

from pathlib import Path

import pytest

from bin import frozen, releasing
from bin.checking.online import faults
from bin.mapping import ROOT
from migrations.stepping import UNBOUNDED_TO
from tests.operate import upgrade

MIGRATION = """
import sqlalchemy as sa
from alembic import op
{imports}

def upgrade() -> None:
    {does}
"""
ALONE = "with op.get_context().autocommit_block():\n        "
MADE = 'op.create_table("thing", sa.Column("id", sa.Uuid()), sa.Column("job_id", sa.Uuid()))\n    '
RELEASES = ["1.0.0"]


def told(directory: Path, does: str, imports: str = "") -> list[str]:
    file = directory / "2036-01-01-0000_example.py"
    file.write_text(MIGRATION.format(does=does, imports=imports))
    return list(faults(file, RELEASES))


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ('op.create_index("ix", "job", ["kind"])', "make it CONCURRENTLY"),
        ('op.execute("CREATE UNIQUE INDEX ix ON public.job (kind)")', "make it CONCURRENTLY"),
        ('op.execute("create index on job (kind)")', "make it CONCURRENTLY"),
        ('op.execute(\'CREATE INDEX ix ON ONLY "public"."job" (kind)\')', "make it CONCURRENTLY"),
        (
            'op.execute("DO $$ BEGIN IF true THEN CREATE INDEX ix ON job (kind); END IF; END $$")',
            "make it CONCURRENTLY",
        ),
        ("op.execute(\"DO $$ BEGIN EXECUTE 'CREATE INDEX ix ON job (kind)'; END $$\")", "make it CONCURRENTLY"),
        (ALONE + 'op.create_index("ix", "job", ["kind"], postgresql_concurrently=True)', "drop it before"),
        ('op.create_check_constraint("kind", "job", "true")', "NOT VALID"),
        ('op.create_foreign_key("fk", "job", "market", ["id"], ["id"])', "NOT VALID"),
        ('op.add_column("job", sa.Column("of_id", sa.Uuid(), sa.ForeignKey("market.id")))', "NOT VALID"),
        ('op.execute("ALTER TABLE job ADD COLUMN no integer CHECK (no > 0)")', "NOT VALID"),
        ('op.execute("ALTER TABLE IF EXISTS ONLY public.job ADD COLUMN a int, ADD CHECK (no > 0)")', "NOT VALID"),
        ('op.create_unique_constraint("uq", "job", ["kind"])', "USING INDEX"),
        ('op.alter_column("job", "kind", type_=sa.BigInteger())', "fill it in batches"),
        ('op.alter_column("job", "kind", nullable=False)', "validate a check"),
        ('op.add_column("job", sa.Column("no", sa.Integer(), nullable=False))', "no value for the rows"),
        ('op.add_column("job", sa.Column("no", sa.Uuid(), server_default=sa.text("gen_random_uuid()")))', "in batches"),
        ('op.add_column("job", sa.Column("no", sa.Integer(), sa.Computed("1", persisted=True)))', "in batches"),
        ('op.execute("ALTER TABLE job VALIDATE CONSTRAINT ck")', "autocommit block"),
        ('op.execute("UPDATE job SET kind = 1")', "in batches"),
        ('op.execute("DELETE FROM job")', "in batches"),
        ('op.execute("WITH old AS (SELECT 1) UPDATE job SET kind = 1")', "in batches"),
        ('op.execute("INSERT INTO thing SELECT id FROM job")', "in batches"),
        ('op.execute("LOCK TABLE job")', "keeps everybody"),
        ('op.execute("TRUNCATE job")', "keeps everybody"),
        (ALONE + 'op.execute("UPDATE job SET kind = 1")', "without a bound"),
        (ALONE + 'op.execute("ALTER TABLE job ADD COLUMN no integer")', "without a bound"),
        (ALONE + 'op.execute("DO $$ BEGIN UPDATE job SET kind = 1; END $$")', "LIMIT each batch"),
        ('op.execute("ANALYZE job")\n    ' + ALONE + 'op.execute("ANALYZE job")', "two migrations"),
        ("op.execute(\"SET LOCAL lock_timeout = '5s'\")", "for all of them"),
        ('op.drop_column("job", "kind")', "READY_SINCE"),
        ('op.drop_table("job")', "READY_SINCE"),
        ('op.alter_column("job", "kind", new_column_name="what")', "READY_SINCE"),
        ('op.rename_table("job", "work")', "READY_SINCE"),
        ('op.execute("DROP FUNCTION refuse_change")', "READY_SINCE"),
        ('op.execute("REVOKE UPDATE ON job FROM commonwatt_app")', "READY_SINCE"),
        ('op.execute("ALTER TABLE job ADD CONSTRAINT ck CHECK (no IS NOT NULL) NOT VALID")', "READY_SINCE"),
    ],
)
def test_what_would_keep_others_waiting_is_refused(tmp_path: Path, does: str, why: str) -> None:
    assert any(why in fault for fault in told(tmp_path, does)), told(tmp_path, does)


@pytest.mark.parametrize(
    "does",
    [
        MADE + 'op.create_index("ix", "thing", ["id"])\n    op.create_check_constraint("ck", "thing", "true")',
        MADE + 'op.create_foreign_key("fk", "thing", "job", ["job_id"], ["id"])',
        MADE + 'op.execute("UPDATE thing SET id = id")',
        'op.add_column("job", sa.Column("no", sa.Integer(), server_default="7", nullable=False))',
        'op.add_column("job", sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()")))',
        'op.create_check_constraint("ck", "job", "no > 0", postgresql_not_valid=True)',
        'op.create_foreign_key("fk", "job", "market", ["id"], ["id"], postgresql_not_valid=True)',
        ALONE + 'op.execute("ALTER TABLE job VALIDATE CONSTRAINT ck")',
        ALONE + 'op.drop_index("ix", "job", if_exists=True, postgresql_concurrently=True)\n        '
        'op.create_index("ix", "job", ["kind"], postgresql_concurrently=True)',
        ALONE + 'op.execute("DO $$ BEGIN LOOP UPDATE job SET no = 1 WHERE id IN (SELECT id FROM job LIMIT 9); '
        'EXIT WHEN NOT FOUND; COMMIT; END LOOP; END $$")',
        'op.execute("GRANT SELECT ON job TO commonwatt_app")',
        "op.execute(\"INSERT INTO framework (code) VALUES ('X')\")",
    ],
)  # fmt: skip
def test_what_holds_nobody_up_is_let_pass(tmp_path: Path, does: str) -> None:
    assert told(tmp_path, does) == []


def test_what_a_release_is_ready_for_may_be(tmp_path: Path) -> None:
    does = 'op.drop_column("job", "kind")'

    assert told(tmp_path, does, 'READY_SINCE = "1.0.0"') == []
    assert told(tmp_path, does, 'READY_SINCE = "1.10.0"') != [], "which is not released"


def test_a_migration_leans_on_nothing_that_changes(tmp_path: Path) -> None:
    assert told(tmp_path, "pass", "from domain.kernel.database import Base") != []
    assert told(tmp_path, "pass", "import json") == []


def test_the_changes_that_are_measured_keep_to_the_rules(tmp_path: Path) -> None:
    """Those of `bin/operate upgrade`."""
    upgrade.lay_down(tmp_path)

    assert {file.name: found for file in tmp_path.glob("*.py") if (found := list(faults(file)))} == {}
    assert len(list(tmp_path.glob("*.py"))) == len(upgrade.HEAVY)


def test_migrations_since_the_release_keep_nobody_waiting() -> None:
    released = [".".join(map(str, version)) for version in releasing.releases(ROOT)]
    files = sorted(file for file in (ROOT / "migrations/versions").glob("*.py") if file.name > UNBOUNDED_TO)

    assert {file.name: found for file in files if (found := list(faults(file, released)))} == {}
    assert {file.name for file in files}.isdisjoint(each.file for each in frozen.kept(ROOT) if each.release == "1.0.0")
