"""Tables of clearings and trades."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, Personal
from domain.market.places.tables import EnergySource

UNBATCHED = 10**12  # Clearings that no batch made are numbered from here: no second, and after all of them.


class Clearing(Base):
    """The outcome of one batch for one market and delivery interval in which energy was traded or passed through.

    Any price in [price_low, price_high] balances the zone; `price` is its midpoint. Append-only.
    """

    __tablename__ = "clearing"
    __table_args__ = (
        UniqueConstraint("market_id", "delivery_start", "batch"),
        Index("ix_clearing_market_id", "market_id", "id"),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    delivery_start: Mapped[datetime]
    batch: Mapped[int] = mapped_column(BigInteger)
    price_ueur_per_kwh: Mapped[Micro]
    price_low_ueur_per_kwh: Mapped[Micro]
    price_high_ueur_per_kwh: Mapped[Micro]
    bought_ukwh: Mapped[Micro]
    sold_ukwh: Mapped[Micro]
    welfare_ueur: Mapped[Micro]
    bound_ueur: Mapped[Micro | None]
    congestion_rent_ueur: Mapped[Micro] = mapped_column(server_default="0")
    class_prices: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    orders_count: Mapped[int] = mapped_column(Integer)
    input_digest: Mapped[str] = mapped_column(Text)
    job_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class Untraded(Base):
    """Why nothing was traded in a market and delivery interval though limits were met, as of a batch. Append-only."""

    __tablename__ = "untraded"
    __table_args__ = (UniqueConstraint("market_id", "delivery_start", "batch"),)

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    delivery_start: Mapped[datetime]
    batch: Mapped[int] = mapped_column(BigInteger)
    price_ueur_per_kwh: Mapped[Micro]
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]


class Trade(Base):
    """Energy of one sell order sold to one buy order in one delivery interval. Append-only.

    Buyer and seller each trade at the price of their own zone; the difference pays for the transfer. The escrows are
    the most that each side may have to pay for it; what delivery leaves of them goes back.
    """

    __tablename__ = "trade"
    __table_args__ = (
        CheckConstraint("energy_ukwh > 0", name="energy"),
        CheckConstraint("buyer_escrow_ueur >= 0 AND seller_escrow_ueur >= 0", name="escrow"),
        Index("ix_trade_market_id", "market_id", "id"),
        Index("ix_trade_delivery_start", "delivery_start", "id"),
        # Trades within one market are found by `market_id` already.
        Index(
            "ix_trade_seller_market_id",
            "seller_market_id",
            "id",
            postgresql_where=text("seller_market_id <> market_id"),
        ),
        Index("ix_trade_buy_order_id", "buy_order_id", "id"),
        Index("ix_trade_sell_order_id", "sell_order_id", "id"),
        Index("ix_trade_buyer_id", "buyer_id", "id"),
        Index("ix_trade_seller_id", "seller_id", "id"),
        Index("ix_trade_buyer_delivery", "buyer_id", "delivery_start"),
        Index("ix_trade_seller_delivery", "seller_id", "delivery_start"),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    seller_market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    clearing_id: Mapped[UUID] = mapped_column(ForeignKey("clearing.id"))
    delivery_start: Mapped[datetime]
    delivery_end: Mapped[datetime]
    energy_ukwh: Mapped[Micro]
    price_ueur_per_kwh: Mapped[Micro]
    seller_price_ueur_per_kwh: Mapped[Micro]
    buy_order_id: Mapped[UUID] = mapped_column(ForeignKey("market_order.id"))
    sell_order_id: Mapped[UUID] = mapped_column(ForeignKey("market_order.id"))
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    source: Mapped[EnergySource | None] = mapped_column(text_enum(EnergySource))
    buyer_escrow_ueur: Mapped[Micro] = mapped_column(server_default="0")
    seller_escrow_ueur: Mapped[Micro] = mapped_column(server_default="0")
    created_at: Mapped[CreatedAt]


PERSONAL = {
    Trade: Personal(of=("buyer_id", "seller_id"), kept=BOOKS),
}
