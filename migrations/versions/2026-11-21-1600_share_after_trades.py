"""share after trades: what trades took of the energy that allocations share

Revision ID: waterfall
Revises: notifications
Create Date: 2026-11-21 16:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "waterfall"
down_revision: str | None = "notifications"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TRADED = ("traded_out_ukwh", "traded_in_ukwh")
CHECKS = {
    ("allocation_run", "shared"): (
        "shared_ukwh <= injected_ukwh AND shared_ukwh <= withdrawn_ukwh",
        "traded_out_ukwh >= 0 AND traded_in_ukwh >= 0 AND shared_ukwh <= injected_ukwh - traded_out_ukwh"
        " AND shared_ukwh <= withdrawn_ukwh - traded_in_ukwh",
    ),
    ("member_allocation", "withdrawn"): (
        "shared_in_ukwh BETWEEN 0 AND withdrawn_ukwh",
        "traded_in_ukwh >= 0 AND shared_in_ukwh BETWEEN 0 AND withdrawn_ukwh - traded_in_ukwh",
    ),
    ("member_allocation", "injected"): (
        "shared_out_ukwh BETWEEN 0 AND injected_ukwh",
        "traded_out_ukwh >= 0 AND shared_out_ukwh BETWEEN 0 AND injected_ukwh - traded_out_ukwh",
    ),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("allocation_day", sa.Column("traded_ukwh", postgresql.ARRAY(sa.BigInteger()), nullable=True))
    for table in ("allocation_run", "member_allocation"):
        for column in TRADED:
            op.add_column(table, sa.Column(column, sa.BigInteger(), server_default="0", nullable=False))
    for (table, name), (_, after) in CHECKS.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(name, table, after)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for (table, name), (before, _) in CHECKS.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(name, table, before)
    for table in ("allocation_run", "member_allocation"):
        for column in TRADED:
            op.drop_column(table, column)
    op.drop_column("allocation_day", "traded_ukwh")
