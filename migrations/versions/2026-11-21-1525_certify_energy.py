"""certify energy: one certificate per seller, interval and source

Revision ID: certificates
Revises: delivery
Create Date: 2026-11-21 15:25:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "certificates"
down_revision: str | None = "delivery"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("certificate_issue", "certificate_act", "emission_factor")
SOURCES = ("SOLAR", "WIND", "HYDRO", "BIOMASS", "STORAGE")
ACTS = ("ISSUED", "TRANSFERRED", "WITHDRAWN", "CANCELLED")

# A Wh has one owner, because whoever gives it has it no longer; and is cancelled once, because only what is owned and
# not cancelled can be given, withdrawn or cancelled (the check of the table).
CARRY_ACTS = """
CREATE FUNCTION carry_certificate_acts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO certificate_holding (id, issue_id, owner_id, delivery_start, delivery_end, source, country)
  SELECT given.id, issue_id, owner_id, delivery_start, delivery_end, source, country
  FROM (SELECT (array_agg(id ORDER BY id))[1] AS id, issue_id, to_id AS owner_id FROM acted WHERE to_id IS NOT NULL
        GROUP BY issue_id, to_id) AS given JOIN certificate_issue AS issue ON issue.id = issue_id
  ORDER BY issue_id, owner_id
  ON CONFLICT (issue_id, owner_id) DO NOTHING;
  PERFORM FROM certificate_holding WHERE issue_id IN (SELECT issue_id FROM acted) ORDER BY issue_id, owner_id FOR UPDATE;
  UPDATE certificate_holding AS known
  SET owned_wh = known.owned_wh + moved.owned_wh, cancelled_wh = known.cancelled_wh + moved.cancelled_wh
  FROM (SELECT issue_id, owner_id, sum(owned_wh)::bigint AS owned_wh, sum(cancelled_wh)::bigint AS cancelled_wh
        FROM (SELECT issue_id, to_id AS owner_id, energy_wh AS owned_wh, 0 AS cancelled_wh
              FROM acted WHERE to_id IS NOT NULL
              UNION ALL
              SELECT issue_id, from_id, CASE WHEN kind <> 'CANCELLED' THEN -energy_wh ELSE 0 END,
                     CASE WHEN kind = 'CANCELLED' THEN energy_wh ELSE 0 END
              FROM acted WHERE from_id IS NOT NULL) AS part
        GROUP BY issue_id, owner_id) AS moved
  WHERE known.issue_id = moved.issue_id AND known.owner_id = moved.owner_id;
  IF EXISTS (SELECT FROM acted WHERE from_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM certificate_holding WHERE issue_id = acted.issue_id AND owner_id = acted.from_id)) THEN
    RAISE EXCEPTION 'nobody gives what it never had' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""

# Greenhouse gas intensity of a country's electricity by the European Environment Agency, g/kWh, of 2014: old values that
# show the calculation until national ones are entered.
EXAMPLES_YEAR = 2014
EXAMPLES_MG_PER_KWH = {"AT": 60_100, "BE": 211_500, "DE": 424_900, "FR": 34_800, "IT": 229_200, "LU": 268_200}
EXAMPLES_SOURCE = "European Environment Agency, CO2 intensity of electricity, 2014, as quoted by Quintel; an example"


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_certificates()
    _make_factors()
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    # To lock a row takes the right to update some column of it: this one tells nothing of energy.
    op.execute("GRANT SELECT, UPDATE (created_at) ON certificate_holding TO commonwatt_app")
    op.execute(CARRY_ACTS)
    op.execute(
        "CREATE TRIGGER carry_acts AFTER INSERT ON certificate_act REFERENCING NEW TABLE AS acted "
        "FOR EACH STATEMENT EXECUTE FUNCTION carry_certificate_acts()"
    )


def _make_certificates() -> None:
    op.create_table(
        "certificate_issue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", text_enum("energysource", *SOURCES), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('SOLAR', 'WIND', 'HYDRO', 'BIOMASS')", name="renewable"),
        sa.CheckConstraint("delivery_start < delivery_end", name="delivery"),
        sa.ForeignKeyConstraint(["seller_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("seller_id", "delivery_start", "delivery_end", "source"),
    )
    op.create_index("ix_certificate_issue_delivery_start", "certificate_issue", ["delivery_start"])
    op.create_table(
        "certificate_holding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", text_enum("energysource", *SOURCES), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("owned_wh", "cancelled_wh")
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cancelled_wh BETWEEN 0 AND owned_wh", name="energy"),
        sa.ForeignKeyConstraint(["issue_id"], ["certificate_issue.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issue_id", "owner_id"),
    )
    op.create_index("ix_certificate_holding_owner_id", "certificate_holding", ["owner_id", "id"])
    op.create_table(
        "certificate_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text_enum("certificateactkind", *ACTS), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("energy_wh > 0", name="energy"),
        sa.CheckConstraint(
            "(from_id IS NULL) = (kind = 'ISSUED') AND (to_id IS NULL) = (kind IN ('WITHDRAWN', 'CANCELLED'))",
            name="owners",
        ),
        sa.CheckConstraint("from_id <> to_id", name="two_owners"),
        sa.CheckConstraint("(reason IS NULL) = (kind <> 'CANCELLED')", name="reason"),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"])
            for column, table in (
                ("issue_id", "certificate_issue"),
                ("from_id", "user_account"),
                ("to_id", "user_account"),
            )
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_certificate_act_issue_id", "certificate_act", ["issue_id", "id"])


def _make_factors() -> None:
    factors = op.create_table(
        "emission_factor",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("mg_per_kwh", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("is_example", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("mg_per_kwh >= 0", name="factor"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("country", "year", "method"),
    )
    common = {"year": EXAMPLES_YEAR, "method": "LOCATION_BASED", "source": EXAMPLES_SOURCE, "is_example": True}
    op.bulk_insert(
        factors,
        [common | {"country": country, "mg_per_kwh": value} for country, value in EXAMPLES_MG_PER_KWH.items()],
    )
    op.alter_column("emission_factor", "id", server_default=None)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in (*("emission_factor", "certificate_act", "certificate_holding", "certificate_issue"),):
        op.drop_table(table)
    op.execute("DROP FUNCTION carry_certificate_acts()")
