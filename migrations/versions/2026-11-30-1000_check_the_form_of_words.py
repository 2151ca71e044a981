"""check the form of kinds of job and of notice, and not which there are: rooms declare them

Revision ID: words
Revises: waterfall
Create Date: 2026-11-30 10:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "words"
down_revision: str | None = "waterfall"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WORD = "kind ~ '^[A-Z0-9_]+$'"
WORDS = "array_to_string(kinds, '_', '?') ~ '^[A-Z0-9_]*$'"
JOB_KINDS = (
    *("ALLOCATE_PERIOD", "CLEAR_MARKET", "SETTLE_DELIVERIES", "MAKE_STATEMENTS", "RUN_TRADING_RULES"),
    *("SIMULATE_TRADING_RULE", "FORECAST_PRICES", "DELIVER_NOTIFICATIONS", "MEASURE_GRID", "RATE_MEMBERS", "VERIFY"),
    *("SUBMIT_PAYMENT", "ANSWER_PAYMENT"),
)
NOTICE_KINDS = (
    *("ORDER_FILLED", "ORDER_CLOSED", "TRADE_SETTLED", "PAYMENT", "STATEMENT_READY", "PRICE_ALERT", "TRADING_RULE"),
    *("AUCTION", "GRID_ALERT", "CERTIFICATE", "WEBHOOK_DISABLED"),
)
# Table, the name of its check until now, and what that admitted.
CHECKED = (
    ("job", "jobkind", JOB_KINDS),
    ("message", "noticekind", NOTICE_KINDS),
    ("notification_preference", "noticekind", NOTICE_KINDS),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, check, _ in CHECKED:
        op.drop_constraint(op.f(f"ck_{table}_{check}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, WORD)
    op.drop_constraint(op.f("ck_webhook_known_kinds"), "webhook", type_="check")
    op.create_check_constraint(op.f("ck_webhook_known_kinds"), "webhook", WORDS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f("ck_webhook_known_kinds"), "webhook", type_="check")
    op.create_check_constraint(op.f("ck_webhook_known_kinds"), "webhook", f"kinds <@ ARRAY[{_listed(NOTICE_KINDS)}]")
    for table, check, kinds in CHECKED:
        op.drop_constraint(op.f(f"ck_{table}_kind"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{check}"), table, f"kind IN ({_listed(kinds)})")


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
