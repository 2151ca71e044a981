"""pay in and out: deposits and withdrawals through a provider

Revision ID: payments
Revises: grid
Create Date: 2026-11-21 15:15:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "payments"
down_revision: str | None = "grid"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = ("DEPOSIT", "WITHDRAWAL")
STATUSES = ("REQUESTED", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLED")
APPEND_ONLY = ("payment_event", "payment_limit")
JOB_KINDS = (
    *("ALLOCATE_PERIOD", "CLEAR_MARKET", "SETTLE_DELIVERIES", "MAKE_STATEMENTS", "RUN_TRADING_RULES"),
    *("SIMULATE_TRADING_RULE", "FORECAST_PRICES", "DELIVER_NOTIFICATIONS", "MEASURE_GRID"),
    *("RATE_MEMBERS", "VERIFY"),
)
JOB_KINDS_ADDED = ("SUBMIT_PAYMENT", "ANSWER_PAYMENT")

# Whoever updates it: who pays how much which way is written once, and what has ended stays as it is.
KEEP_PAYMENT = """
CREATE FUNCTION keep_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.closed_at IS NOT NULL
     OR (NEW.id, NEW.owner_id, NEW.kind, NEW.amount_ueur, NEW.requested_at)
        IS DISTINCT FROM (OLD.id, OLD.owner_id, OLD.kind, OLD.amount_ueur, OLD.requested_at) THEN
    RAISE EXCEPTION 'payment % is kept as it is', OLD.id USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$
"""

# The platform's own first limits, until an agreement with a provider says otherwise.
LIMITS = """
INSERT INTO payment_limit (id, kind, lowest_ueur, highest_ueur, daily_ueur, source, valid_from)
SELECT gen_random_uuid(), kind, 1000000, 5000000000, 10000000000, 'terms of the platform, 2026-11-21', '2026-01-01Z'
FROM unnest(ARRAY['DEPOSIT', 'WITHDRAWAL']) AS kind
"""


def text_enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def know_job_kinds(*kinds: str) -> None:
    known = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_job_jobkind"), "job", type_="check")
    op.create_check_constraint(op.f("ck_job_jobkind"), "job", f"kind IN ({known})")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    know_job_kinds(*JOB_KINDS, *JOB_KINDS_ADDED)
    _make_payments()
    _make_limits()
    op.execute(KEEP_PAYMENT)
    op.execute("CREATE TRIGGER keep_payment BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION keep_payment()")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON payment TO commonwatt_app")
    op.execute(LIMITS)


def _make_payments() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text_enum("paymentkind", *KINDS), nullable=False),
        sa.Column("status", text_enum("paymentstatus", *STATUSES), server_default="REQUESTED", nullable=False),
        sa.Column("amount_ueur", sa.BigInteger(), nullable=False),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        instant("requested_at"),
        instant("asked_at"),
        instant("closed_at", nullable=True),
        sa.CheckConstraint("amount_ueur > 0 AND amount_ueur % 10000 = 0", name="cents"),
        sa.CheckConstraint("(closed_at IS NULL) = (status IN ('REQUESTED', 'PROCESSING'))", name="closed"),
        sa.CheckConstraint("(failure_reason IS NOT NULL) = (status = 'FAILED')", name="failure"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_payment_owner_id", "payment", ["owner_id", "id"])
    op.create_index("ix_payment_open", "payment", ["asked_at"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "payment_event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        instant("received_at"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_payment_event_payment_id", "payment_event", ["payment_id"])


def _make_limits() -> None:
    op.create_table(
        "payment_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", text_enum("paymentkind", *KINDS), nullable=False),
        sa.Column("lowest_ueur", sa.BigInteger(), nullable=False),
        sa.Column("highest_ueur", sa.BigInteger(), nullable=False),
        sa.Column("daily_ueur", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        instant("valid_from"),
        sa.CheckConstraint(
            "0 < lowest_ueur AND lowest_ueur <= highest_ueur AND highest_ueur <= daily_ueur", name="order"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "valid_from"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("payment_limit", "payment_event", "payment"):
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_payment()")
    op.execute("DELETE FROM job WHERE kind IN ('SUBMIT_PAYMENT', 'ANSWER_PAYMENT')")
    know_job_kinds(*JOB_KINDS)
