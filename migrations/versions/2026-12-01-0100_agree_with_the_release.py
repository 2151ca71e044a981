"""agree with the release: what databases lack or keep that ran its migrations before they were as they are

Nineteen commits before 1.0.0 changed migrations that existed, and some databases had run them. Each difference is looked
for and made good, so that a database which has none is left as it is, and no table of it is locked.

Revision ID: agreed
Revises: keys
Create Date: 2026-12-01 01:00:00
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision: str = "agreed"
down_revision: str | None = "keys"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Twelve migrations were laid down empty, and filled one by one: each with a table that it makes.
FILLED_LATER = {
    "grid": "zone_capacity",
    "payments": "payment",
    "delivery": "trade_delivery",
    "certificates": "certificate_issue",
    "statements": "account_statement",
    "auctions": "dutch_auction",
    "intelligence": "price_model",
    "rules": "trading_rule",
    "engagement": "member_card",
    "notifications": "message",
}
# Of what a migration made, to be made anew: tables, in the order of their references, and functions.
MADE_BY = {
    "ledger": (("account", "transfer", "ledger_entry"), ("check_transfer", "carry_entries", "open_accounts")),
    "certificates": (
        ("certificate_issue", "certificate_holding", "certificate_act", "emission_factor"),
        ("carry_certificate_acts",),
    ),
}
# Ids of entries begin as their transfer's does, with the time.
ENTRY_ID = "(left(was.transfer_id::text, 18) || substr(gen_random_uuid()::text, 19))::uuid"
NEW_COLUMNS = {
    "ledger_entry": {
        "id": ENTRY_ID,
        "holder_id": "(SELECT coalesce(owner_id, id) FROM kept_account WHERE id = was.account_id)",
    },
    "certificate_holding": {
        column: f"(SELECT {column} FROM kept_certificate_issue WHERE id = was.issue_id)"  # noqa: S608 - made of constants.
        for column in ("delivery_start", "delivery_end", "source", "country")
    },
}
NOT_READ = {"audit_head": ("updated_at",), "substation_area": ("min_lon", "min_lat", "max_lon", "max_lat")}
# Foreign keys that looked for each row what a trigger looks up for a statement.
NOT_KEPT = {
    "reading": ("fk_reading_metering_point_id",),
    "transfer": ("fk_transfer_resolves_id",),
    "ledger_entry": ("fk_ledger_entry_transfer_id", "fk_ledger_entry_account_id_holder_id"),
    "trade_delivery": ("fk_trade_delivery_transfer_id",),
    "delivery_line": ("fk_delivery_line_trade_id_version",),
}
# Index, what its definition says now, and how it is made.
INDEXES = (
    ("ix_idempotency_key_created_at", "created_at", "INDEX {} ON idempotency_key (created_at)"),
    ("uq_user_account_email", "lower(email)", "UNIQUE INDEX {} ON user_account (lower(email))"),
    (
        "ix_membership_community_member",
        "INCLUDE (valid_from, valid_to)",
        "INDEX {} ON membership (community_id, member_id) INCLUDE (valid_from, valid_to)",
    ),
    (
        "ix_trade_seller_market_id",
        "WHERE (seller_market_id <> market_id)",
        "INDEX {} ON trade (seller_market_id, id) WHERE seller_market_id <> market_id",
    ),
)
TELL_OF_POINTS = """
ALTER TABLE published_set ADD COLUMN points uuid[];
ALTER TABLE published_set RENAME COLUMN persons TO persons_before;
ALTER TABLE published_set RENAME COLUMN withheld TO withheld_before;
ALTER TABLE published_set RENAME COLUMN decided_at TO decided_before;
ALTER TABLE published_set ADD COLUMN persons uuid[], ADD COLUMN factors_ppm integer[],
  ADD COLUMN withheld character varying(40), ADD COLUMN decided_at timestamptz DEFAULT now();
DELETE FROM published_set WHERE withheld_before IS NOT NULL;
UPDATE published_set AS told SET decided_at = decided_before, (points, persons, factors_ppm) = (
  SELECT coalesce(array_agg(point_id ORDER BY point_id), '{}'), coalesce(array_agg(person_id ORDER BY point_id), '{}'),
         coalesce(array_agg(ppm ORDER BY point_id), '{}')
  FROM (SELECT DISTINCT ON (point.id) point.id AS point_id, coalesce(member.user_id, member.id) AS person_id,
               CASE told.kind WHEN 'ZONE' THEN 1000000 ELSE part.factor_ppm END AS ppm
        FROM participation AS part JOIN member ON member.id = part.member_id
        JOIN metering_point AS point ON point.id = part.metering_point_id
        LEFT JOIN substation_area AS area ON area.id = point.substation_area_id
        WHERE part.valid_from <= told.first_day AND (part.valid_to IS NULL OR part.valid_to > told.first_day)
          AND told.direction = ANY (point.directions) AND coalesce(member.user_id, member.id) = ANY (told.persons_before)
          AND CASE told.kind WHEN 'ZONE' THEN area.market_zone_id = told.subject_id ELSE part.community_id = coalesce(
                (SELECT community_id FROM allocation_run WHERE id = told.subject_id), told.subject_id) END
        ORDER BY point.id, part.id) AS there);
ALTER TABLE published_set DROP COLUMN persons_before, DROP COLUMN withheld_before, DROP COLUMN decided_before,
  ALTER COLUMN points SET NOT NULL, ALTER COLUMN persons SET NOT NULL, ALTER COLUMN factors_ppm SET NOT NULL,
  ALTER COLUMN decided_at SET NOT NULL,
  ADD CONSTRAINT ck_published_set_points
    CHECK (cardinality(points) = cardinality(persons) AND cardinality(points) = cardinality(factors_ppm)),
  ADD CONSTRAINT ck_published_set_suppression CHECK (withheld IN (
    'UNDECIDED', 'FEWER_THAN_FIVE', 'DIFFERENCE', 'DOMINANCE', 'INCOMPLETE', 'RESOLUTION'))
"""


def upgrade() -> None:
    if context.is_offline_mode():
        return  # What there is to make good only a database tells.
    op.execute("SET LOCAL lock_timeout = '5s'")
    _fill()
    _make_anew("certificates", has="delivery_start", of="certificate_holding")
    _take_out()
    _index()
    _deliver_by_clearing()
    _number_statements()
    if not _has("published_set", "points"):
        for statement in TELL_OF_POINTS.split(";\n"):
            op.execute(statement)
    for migration, text in (("ledger", "CHECK_TRANSFER"), ("ledger", "CARRY_ENTRIES"), ("certificates", "CARRY_ACTS")):
        _replace(getattr(_released(migration), text))
    op.execute(
        """UPDATE framework SET parameters = parameters || '{"all_covered_when_enough": true}'
        WHERE code = 'LU_SHARING' AND NOT parameters ? 'all_covered_when_enough'"""
    )


def downgrade() -> None:
    """Nothing: this is what the migrations before it make."""


def go_on(applied: Collection[str]) -> None:
    """Make good without which a database that has run some migrations could not run those that follow."""
    if _has("allocation_run", "members_count"):  # Dropped, under its new name.
        op.execute("ALTER TABLE allocation_run RENAME COLUMN members_count TO members_min")
    if "notifications" in applied and not _has("message", "*"):
        _make_anew("ledger", has="holder_id", of="ledger_entry")
        _fill()


def _fill() -> None:
    for migration, table in FILLED_LATER.items():
        if not _has(table, "*"):
            _released(migration).upgrade()


def _make_anew(migration: str, *, has: str, of: str) -> None:
    """Make tables of a migration as it makes them now, and put back what was in them, unless one has a column."""
    if _has(of, has):
        return
    tables, functions = MADE_BY[migration]
    for table in tables:
        op.execute(f"CREATE TEMPORARY TABLE kept_{table} ON COMMIT DROP AS TABLE {table}")
    for table in reversed(tables):
        op.execute(f"DROP TABLE {table} CASCADE")
    for function in functions:
        op.execute(f"DROP FUNCTION {function} CASCADE")
    _released(migration).upgrade()
    for table in tables:
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table in reversed(tables):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - made of constants.
    for table in tables:
        _put_back(table)
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _put_back(table: str) -> None:
    before = {row.name for row in _columns(f"kept_{table}")}
    values = {row.name: f"was.{row.name}" for row in _columns(table) if row.name in before and not row.generated}
    values |= NEW_COLUMNS.get(table, {})
    op.execute(
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM kept_{table} AS was"  # noqa: S608 - made of constants.
    )


def _take_out() -> None:
    for table, columns in NOT_READ.items():
        for column in columns:
            if _has(table, column):
                op.drop_column(table, column)
    for table, names in NOT_KEPT.items():
        for name in names:
            if _ask("SELECT 1 FROM pg_constraint WHERE conname = :name", name=name):
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def _index() -> None:
    for name, says, made in INDEXES:
        definition = _ask("SELECT indexdef FROM pg_indexes WHERE indexname = :name", name=name)
        if definition is None or says not in definition:
            op.execute(f"DROP INDEX IF EXISTS {name}")
            op.execute(f"CREATE {made.format(name)}")


def _deliver_by_clearing() -> None:
    """Hours of delivery come with clearings; they came with trades."""
    if not _has("delivery_hour", "told_at"):
        op.add_column("delivery_hour", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    _replace(_released("delivery").COUNT_HOURS)
    trigger = "SELECT 1 FROM pg_trigger WHERE tgname = 'count_delivery_hours' AND tgrelid = CAST(:name AS regclass)"
    if _ask(trigger, name="trade"):
        op.execute("DROP TRIGGER count_delivery_hours ON trade")
    if not _ask(trigger, name="clearing"):
        op.execute(
            "CREATE TRIGGER count_delivery_hours AFTER INSERT ON clearing FOR EACH ROW "
            "EXECUTE FUNCTION count_delivery_hours()"
        )


def _number_statements() -> None:
    kind = "SELECT data_type FROM information_schema.columns WHERE table_name = 'account_statement' AND column_name = :name"
    if _ask(kind, name="sequence") == "bigint":
        op.execute("ALTER TABLE account_statement ALTER COLUMN sequence TYPE integer")


def _replace(function: str) -> None:
    op.execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def _released(migration: str) -> Any:
    """The module of a migration, which is frozen."""
    return context.script.get_revision(migration).module


def _has(table: str, column: str) -> bool:
    """Whether there is such a table, with such a column or with any."""
    return any(column in ("*", row.name) for row in _columns(table))


def _columns(table: str) -> Sequence[Any]:
    query = sa.text(
        "SELECT attname AS name, attgenerated <> '' AS generated FROM pg_attribute "
        "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped"
    )
    return op.get_bind().execute(query, {"name": table}).all()


def _ask(query: str, **values: str) -> Any:
    return op.get_bind().execute(sa.text(query), values).scalar()
