"""Tables of orders, and of what is open of them in each delivery interval."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, Personal
from domain.market.places.tables import EnergySource, OrderSide


class OrderStatus(StrEnum):
    """Where an order stands; the last four are final."""

    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    HALTED = "HALTED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


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


PERSONAL = {
    Order: Personal(of=("owner_id",), kept=BOOKS),
    OrderInterval: Personal(of=("order_id",), kept=BOOKS),
}
