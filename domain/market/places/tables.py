"""Tables of markets and of what they charge, and the words in which all of trading is told."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum


class PricingRule(StrEnum):
    """How a clearing sets prices."""

    UNIFORM = "UNIFORM"
    PAY_AS_BID = "PAY_AS_BID"
    MIDPOINT = "MIDPOINT"


class OrderSide(StrEnum):
    """Whether an order takes or gives energy."""

    BUY = "BUY"
    SELL = "SELL"


class EnergySource(StrEnum):
    """Where energy comes from."""

    SOLAR = "SOLAR"
    WIND = "WIND"
    HYDRO = "HYDRO"
    BIOMASS = "BIOMASS"
    STORAGE = "STORAGE"


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
