"""Tables of markets, orders, clearings and trades."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, CreatedAt, Id, Micro, text_enum


class PricingRule(StrEnum):
    """How a clearing sets prices."""

    UNIFORM = "UNIFORM"
    PAY_AS_BID = "PAY_AS_BID"
    MIDPOINT = "MIDPOINT"


class OrderSide(StrEnum):
    """Whether an order takes or gives energy."""

    BUY = "BUY"
    SELL = "SELL"


class OrderStatus(StrEnum):
    """Where an order stands; the last four are final."""

    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    HALTED = "HALTED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class EnergySource(StrEnum):
    """Where energy comes from."""

    SOLAR = "SOLAR"
    WIND = "WIND"
    HYDRO = "HYDRO"
    BIOMASS = "BIOMASS"
    STORAGE = "STORAGE"


class Acceptance(StrEnum):
    """What energy a buy order accepts; all but ANY are met within the buyer's own zone."""

    ANY = "ANY"
    LOCAL = "LOCAL"
    GREEN = "GREEN"
    SOLAR = "SOLAR"
    WIND = "WIND"
    HYDRO = "HYDRO"
    BIOMASS = "BIOMASS"
    STORAGE = "STORAGE"


class OrderFilling(StrEnum):
    """How an order's energy is meant: in each interval of its delivery, or in all of them together."""

    PER_INTERVAL = "PER_INTERVAL"
    FLEXIBLE = "FLEXIBLE"


class ChargeKind(StrEnum):
    """What is paid beside the price of energy."""

    FEE = "FEE"
    NETWORK = "NETWORK"
    COMMUNITY_FUND = "COMMUNITY_FUND"


class Market(Base):
    """A place where a zone's energy is traded."""

    __tablename__ = "market"
    __table_args__ = (
        CheckConstraint("batch_seconds BETWEEN 1 AND 900", name="batch"),
        CheckConstraint("delivery_minutes IN (15, 30, 60)", name="delivery"),
        CheckConstraint("penalty_ueur_per_kwh >= 0", name="penalty"),
        CheckConstraint("energy_vat_ppm BETWEEN 0 AND 1000000", name="vat"),
        CheckConstraint("grace_days BETWEEN 0 AND 90", name="grace"),
    )

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"), unique=True)
    name: Mapped[str] = mapped_column(Text)
    pricing: Mapped[PricingRule] = mapped_column(text_enum(PricingRule))
    batch_seconds: Mapped[int] = mapped_column(Integer, server_default="5")
    delivery_minutes: Mapped[int] = mapped_column(Integer, server_default="15")
    horizon_hours: Mapped[int] = mapped_column(Integer, server_default="48")
    penalty_ueur_per_kwh: Mapped[Micro] = mapped_column(server_default="0")
    energy_vat_ppm: Mapped[int] = mapped_column(Integer, server_default="0")
    grace_days: Mapped[int] = mapped_column(Integer, server_default="10")
    is_capacity_checked: Mapped[bool] = mapped_column(server_default="true")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    last_price_ueur_per_kwh: Mapped[Micro | None]
    last_batch: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]


class MarketCharge(Base):
    """A rate per kWh delivered that one side of each trade pays from an instant on, with VAT on top."""

    __tablename__ = "market_charge"
    __table_args__ = (
        UniqueConstraint("market_id", "kind", "payer", "valid_from"),
        CheckConstraint("rate_ueur_per_kwh >= 0", name="rate"),
        CheckConstraint("vat_ppm BETWEEN 0 AND 1000000", name="vat"),
        CheckConstraint("(kind = 'COMMUNITY_FUND') = (community_id IS NOT NULL)", name="fund"),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    kind: Mapped[ChargeKind] = mapped_column(text_enum(ChargeKind))
    payer: Mapped[OrderSide] = mapped_column(text_enum(OrderSide))
    rate_ueur_per_kwh: Mapped[Micro]
    vat_ppm: Mapped[int] = mapped_column(Integer, server_default="0")
    community_id: Mapped[UUID | None] = mapped_column(ForeignKey("community.id"))
    valid_from: Mapped[datetime]
    created_at: Mapped[CreatedAt]


class Order(Base):
    """An offer to buy or sell energy in [delivery_start, delivery_end): in each interval, or where FLEXIBLE in all.

    is_auctioned: it belongs to a Dutch auction, and no batch clears it.

    held_ueur: what is held of the owner's money for what is open. exposure_ueur_per_kwh: the most that a kWh of it may
    cost the owner, by which holds and escrow are computed.
    """

    __tablename__ = "market_order"
    __table_args__ = (
        CheckConstraint("energy_ukwh > 0 AND energy_ukwh % 1000 = 0", name="lot"),
        CheckConstraint("limit_price_ueur_per_kwh % 100 = 0", name="tick"),
        CheckConstraint("filled_ukwh >= 0", name="filled"),
        CheckConstraint("delivery_start < delivery_end", name="delivery"),
        CheckConstraint("minimum_fill_ukwh BETWEEN 0 AND energy_ukwh AND minimum_fill_ukwh % 1000 = 0", name="minimum"),
        CheckConstraint("held_ueur >= 0 AND (held_ueur = 0 OR closed_at IS NULL)", name="held"),
        CheckConstraint("accepts = 'ANY' OR side = 'BUY'", name="accepts"),
        Index("ix_market_order_owner_delivery", "owner_id", "delivery_end"),
        Index("ix_market_order_market_id", "market_id", "id"),
        Index("ix_market_order_owner_id", "owner_id", "id"),
        Index("ix_market_order_expiry", "delivery_end", postgresql_where=text("closed_at IS NULL")),
        Index("ix_market_order_valid_until", "valid_until", postgresql_where=text("closed_at IS NULL")),
        Index("ix_market_order_replaces_id", "replaces_id", postgresql_where=text("replaces_id IS NOT NULL")),
        Index("ix_market_order_rule_id", "rule_id", "id", postgresql_where=text("rule_id IS NOT NULL")),
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
    accepts: Mapped[Acceptance] = mapped_column(text_enum(Acceptance), server_default=Acceptance.ANY.value)
    filling: Mapped[OrderFilling] = mapped_column(
        text_enum(OrderFilling), server_default=OrderFilling.PER_INTERVAL.value
    )
    minimum_fill_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    valid_until: Mapped[datetime | None]
    is_auctioned: Mapped[bool] = mapped_column(server_default="false")
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("market_order.id"))
    closed_reason: Mapped[str | None] = mapped_column(Text)
    rule_id: Mapped[UUID | None] = mapped_column(ForeignKey("trading_rule.id"))
    exposure_ueur_per_kwh: Mapped[Micro] = mapped_column(server_default="0")
    held_ueur: Mapped[Micro] = mapped_column(server_default="0")
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
    bound_ueur: Mapped[Micro | None]
    congestion_rent_ueur: Mapped[Micro] = mapped_column(server_default="0")
    class_prices: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    orders_count: Mapped[int] = mapped_column(Integer)
    input_digest: Mapped[str] = mapped_column(Text)
    job_id: Mapped[UUID | None]
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
