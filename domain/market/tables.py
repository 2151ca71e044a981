"""Tables of markets, orders, clearings and trades."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, CreatedAt, Id, Micro, text_enum


class PricingRule(StrEnum):
    """How a clearing sets prices."""

    UNIFORM = "UNIFORM"


class OrderSide(StrEnum):
    """Whether an order takes or gives energy."""

    BUY = "BUY"
    SELL = "SELL"


class OrderStatus(StrEnum):
    """Where an order stands; the last three are final."""

    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class EnergySource(StrEnum):
    """Where energy comes from; on a buy order the source that is wanted."""

    SOLAR = "SOLAR"
    WIND = "WIND"
    HYDRO = "HYDRO"
    BIOMASS = "BIOMASS"
    STORAGE = "STORAGE"


class Market(Base):
    """A place where a zone's energy is traded."""

    __tablename__ = "market"
    __table_args__ = (
        CheckConstraint("batch_seconds BETWEEN 1 AND 900", name="batch"),
        CheckConstraint("delivery_minutes IN (15, 30, 60)", name="delivery"),
    )

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"), unique=True)
    name: Mapped[str] = mapped_column(Text)
    pricing: Mapped[PricingRule] = mapped_column(text_enum(PricingRule))
    batch_seconds: Mapped[int] = mapped_column(Integer, server_default="5")
    delivery_minutes: Mapped[int] = mapped_column(Integer, server_default="15")
    horizon_hours: Mapped[int] = mapped_column(Integer, server_default="48")
    last_price_ueur_per_kwh: Mapped[Micro | None]
    last_batch: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]


class Order(Base):
    """An offer to buy or sell the same energy in each delivery interval of [delivery_start, delivery_end)."""

    __tablename__ = "market_order"
    __table_args__ = (
        CheckConstraint("energy_ukwh > 0 AND energy_ukwh % 1000 = 0", name="lot"),
        CheckConstraint("limit_price_ueur_per_kwh % 100 = 0", name="tick"),
        CheckConstraint("filled_ukwh >= 0", name="filled"),
        CheckConstraint("delivery_start < delivery_end", name="delivery"),
        Index("ix_market_order_market_id", "market_id", "id"),
        Index("ix_market_order_owner_id", "owner_id", "id"),
        Index("ix_market_order_expiry", "delivery_end", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    side: Mapped[OrderSide] = mapped_column(text_enum(OrderSide))
    status: Mapped[OrderStatus] = mapped_column(text_enum(OrderStatus), server_default=OrderStatus.OPEN.value)
    energy_ukwh: Mapped[Micro]
    filled_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    limit_price_ueur_per_kwh: Mapped[Micro]
    delivery_start: Mapped[datetime]
    delivery_end: Mapped[datetime]
    source: Mapped[EnergySource | None] = mapped_column(text_enum(EnergySource))
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    placed_at: Mapped[CreatedAt]
    closed_at: Mapped[datetime | None]


class OrderInterval(Base):
    """What is open and filled of an order in one delivery interval: the rows that a clearing reads and writes."""

    __tablename__ = "order_interval"
    __table_args__ = (
        CheckConstraint("filled_ukwh BETWEEN 0 AND energy_ukwh", name="filled"),
        Index(
            "ix_order_interval_open",
            "market_id",
            "delivery_start",
            postgresql_where=text("is_open"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("market_order.id"), primary_key=True)
    delivery_start: Mapped[datetime] = mapped_column(primary_key=True)
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    energy_ukwh: Mapped[Micro]
    filled_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    is_open: Mapped[bool] = mapped_column(server_default="true")


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
    orders_count: Mapped[int] = mapped_column(Integer)
    input_digest: Mapped[str] = mapped_column(Text)
    job_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class Trade(Base):
    """Energy of one sell order sold to one buy order in one delivery interval. Append-only.

    Buyer and seller each trade at the price of their own zone; the difference pays for the transfer.
    """

    __tablename__ = "trade"
    __table_args__ = (
        CheckConstraint("energy_ukwh > 0", name="energy"),
        Index("ix_trade_market_id", "market_id", "id"),
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
    created_at: Mapped[CreatedAt]
