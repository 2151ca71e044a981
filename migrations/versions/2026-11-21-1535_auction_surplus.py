"""auction surplus: Dutch auctions and their bids

Revision ID: auctions
Revises: statements
Create Date: 2026-11-21 15:35:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "auctions"
down_revision: str | None = "statements"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


STATUSES = ("SCHEDULED", "OPEN", "SOLD", "ENDED", "CANCELLED")


def micro(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)


def instant(name: str, *, nullable: bool = False, default: bool = False) -> sa.Column[object]:
    server_default = sa.text("now()") if default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=server_default, nullable=nullable)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("market_order", sa.Column("is_auctioned", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "dutch_auction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(*STATUSES, name="auctionstatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        micro("energy_ukwh"),
        micro("sold_ukwh", "0"),
        micro("start_price_ueur_per_kwh"),
        micro("floor_price_ueur_per_kwh"),
        micro("step_ueur_per_kwh"),
        sa.Column("step_seconds", sa.Integer(), nullable=False),
        instant("opens_at"),
        instant("ends_at"),
        instant("next_tick_at"),
        instant("closed_at", nullable=True),
        instant("created_at", default=True),
        sa.CheckConstraint("energy_ukwh > 0 AND sold_ukwh BETWEEN 0 AND energy_ukwh", name="energy"),
        sa.CheckConstraint("floor_price_ueur_per_kwh <= start_price_ueur_per_kwh", name="prices"),
        sa.CheckConstraint("step_ueur_per_kwh > 0 AND step_seconds BETWEEN 1 AND 3600", name="step"),
        sa.CheckConstraint("opens_at < ends_at", name="clock"),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.ForeignKeyConstraint(["seller_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["order_id"], ["market_order.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id"),
    )
    op.create_index("ix_dutch_auction_market_id", "dutch_auction", ["market_id", "id"])
    op.create_index("ix_dutch_auction_seller_id", "dutch_auction", ["seller_id", "id"])
    op.create_index(
        "ix_dutch_auction_next_tick", "dutch_auction", ["next_tick_at"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "auction_bid",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("auction_id", sa.Uuid(), nullable=False),
        sa.Column("bidder_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        micro("energy_ukwh"),
        micro("price_ueur_per_kwh"),
        instant("placed_at"),
        sa.CheckConstraint("energy_ukwh > 0", name="energy"),
        sa.ForeignKeyConstraint(["auction_id"], ["dutch_auction.id"]),
        sa.ForeignKeyConstraint(["bidder_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["order_id"], ["market_order.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("order_id"),
    )
    op.create_index("ix_auction_bid_auction_id", "auction_bid", ["auction_id", "id"])
    op.create_index("ix_auction_bid_bidder_id", "auction_bid", ["bidder_id", "id"])
    op.execute("GRANT SELECT, INSERT, UPDATE ON dutch_auction TO commonwatt_app")
    op.execute("GRANT SELECT, INSERT ON auction_bid TO commonwatt_app")
    op.execute("GRANT USAGE ON SEQUENCE auction_bid_number_seq TO commonwatt_app")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON auction_bid "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("auction_bid")
    op.drop_table("dutch_auction")
    op.drop_column("market_order", "is_auctioned")
