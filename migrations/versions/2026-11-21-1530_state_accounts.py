"""state accounts: monthly statements and credit notes

Revision ID: statements
Revises: certificates
Create Date: 2026-11-21 15:30:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "statements"
down_revision: str | None = "certificates"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


LINE_KINDS = ("ENERGY", "FEE", "NETWORK", "COMMUNITY_FUND", "PENALTY")
APPEND_ONLY = ("account_statement", "statement_line")


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "account_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text_enum("statementkind", "STATEMENT", "CREDIT_NOTE"), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        *(whole(name) for name in ("net_cents", "vat_cents", "total_cents", "ledger_ueur", "rounding_ueur")),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_cents = net_cents + vat_cents", name="total"),
        sa.CheckConstraint("total_cents * 10000 = ledger_ueur + rounding_ueur", name="reconciled"),
        sa.CheckConstraint("(kind = 'CREDIT_NOTE') = (corrects_id IS NOT NULL)", name="corrects"),
        sa.CheckConstraint("extract(day FROM month) = 1", name="month"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["corrects_id"], ["account_statement.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sequence"),
    )
    op.create_index("ix_account_statement_user_id", "account_statement", ["user_id", "id"])
    op.create_index(
        "uq_account_statement_month",
        "account_statement",
        ["user_id", "month"],
        unique=True,
        postgresql_where=sa.text("kind = 'STATEMENT'"),
    )
    op.create_index(
        "ix_account_statement_corrects_id",
        "account_statement",
        ["corrects_id"],
        postgresql_where=sa.text("corrects_id IS NOT NULL"),
    )
    op.create_table(
        "statement_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("side", text_enum("orderside", "BUY", "SELL"), nullable=False),
        sa.Column("kind", text_enum("linekind", *LINE_KINDS), nullable=False),
        whole("energy_ukwh"),
        whole("net_ueur"),
        sa.Column("vat_ppm", sa.Integer(), nullable=False),
        whole("vat_ueur"),
        whole("net_cents"),
        whole("vat_cents"),
        sa.CheckConstraint("vat_ppm BETWEEN 0 AND 1000000", name="vat"),
        sa.ForeignKeyConstraint(["statement_id"], ["account_statement.id"]),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uq_statement_line_number", "statement_line", ["statement_id", "number"], unique=True)
    op.execute("GRANT USAGE ON SEQUENCE account_statement_sequence_seq TO commonwatt_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
