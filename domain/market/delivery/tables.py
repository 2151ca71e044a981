"""Tables of delivery and settlement, of what was last read for them, and of certificates."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    exists,
    not_,
    text,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, METERED, Personal
from domain.market.places.charges import LineKind
from domain.market.places.tables import EnergySource, OrderSide
from domain.metering.tables import Direction


class CertificateActKind(StrEnum):
    """What happened to certified energy."""

    ISSUED = "ISSUED"
    TRANSFERRED = "TRANSFERRED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


class DeliveryHour(Base):
    """An hour of UTC in which trades are delivered: whether it has to be looked at, and when.

    Hours come with the clearings of trades, by a trigger, so that none is forgotten. `changes` counts what made a look
    necessary; whoever looks writes down only what it saw. `has_news` until the parties were told of all that was
    settled.
    """

    __tablename__ = "delivery_hour"
    __table_args__ = (
        Index("ix_delivery_hour_due", "look_at", postgresql_where=text("look_at IS NOT NULL")),
        Index("ix_delivery_hour_news", "starts_at", postgresql_where=text("has_news")),
    )

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    look_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    changes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    is_settled: Mapped[bool] = mapped_column(server_default="false")
    is_complete: Mapped[bool] = mapped_column(server_default="false")
    has_news: Mapped[bool] = mapped_column(server_default="false")
    told_at: Mapped[datetime | None]


class DeliveryBasis(Base):
    """Which version of a day's readings deliveries were last told of; version 0 where there were none.

    Values never change within a version, they only arrive: so version and number of known values say whether a day is
    as it was.
    """

    __tablename__ = "delivery_basis"

    metering_point_id: Mapped[UUID] = mapped_column(primary_key=True)
    direction: Mapped[Direction] = mapped_column(text_enum(Direction), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    known_count: Mapped[int] = mapped_column(SmallInteger)


class DeliveryWatch(Base):
    """Up to when arrivals of readings were looked through: one row."""

    __tablename__ = "delivery_watch"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime]


class TradeDelivery(Base):
    """What was delivered of a trade, as it was settled; a later version follows corrected readings. Append-only.

    energy = delivered + short of the seller + short of the buyer. `buyer_paid` and `seller_received` are gross, after
    charges, VAT and penalties. Provisional: a reading was missing after the days of grace, and counted as zero.
    """

    __tablename__ = "trade_delivery"
    __table_args__ = (
        UniqueConstraint("id"),
        CheckConstraint("delivered_ukwh >= 0 AND seller_short_ukwh >= 0 AND buyer_short_ukwh >= 0", name="energy"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_trade_delivery_settled_at", "settled_at"),
    )

    id: Mapped[UUID]
    trade_id: Mapped[UUID] = mapped_column(ForeignKey("trade.id"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    delivered_ukwh: Mapped[Micro]
    seller_short_ukwh: Mapped[Micro]
    buyer_short_ukwh: Mapped[Micro]
    buyer_paid_ueur: Mapped[Micro]
    seller_received_ueur: Mapped[Micro]
    is_provisional: Mapped[bool]
    transfer_id: Mapped[UUID | None]
    settled_at: Mapped[datetime]


def is_latest() -> ColumnElement[bool]:
    """Whether no later version of a trade's delivery was settled."""
    later = aliased(TradeDelivery)
    found = exists().where(later.trade_id == TradeDelivery.trade_id, later.version > TradeDelivery.version)
    return not_(found)


class DeliveryLine(Base):
    """One thing that one side pays (positive) or is paid (negative) for a delivery, micro-EUR. Append-only.

    Lines come in the statement that stores their delivery and its transfer, so no foreign key joins the three: checking
    them took a tenth of a settlement. `bin/verify` compares them.
    """

    __tablename__ = "delivery_line"
    __table_args__ = (
        CheckConstraint("energy_ukwh >= 0", name="energy"),
        CheckConstraint("net_ueur <> 0 OR vat_ueur <> 0", name="not_zero"),
        CheckConstraint("(kind = 'COMMUNITY_FUND') = (community_id IS NOT NULL)", name="fund"),
    )

    trade_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    side: Mapped[OrderSide] = mapped_column(text_enum(OrderSide))
    kind: Mapped[LineKind] = mapped_column(text_enum(LineKind))
    rate_ueur_per_kwh: Mapped[Micro]
    energy_ukwh: Mapped[Micro]
    net_ueur: Mapped[Micro]
    vat_ppm: Mapped[int] = mapped_column(Integer)
    vat_ueur: Mapped[Micro]
    community_id: Mapped[UUID | None]


class CertificateIssue(Base):
    """Delivered renewable energy of one seller, interval and source. Append-only; how much it certifies, acts tell."""

    __tablename__ = "certificate_issue"
    __table_args__ = (
        UniqueConstraint("seller_id", "delivery_start", "delivery_end", "source"),
        CheckConstraint("source IN ('SOLAR', 'WIND', 'HYDRO', 'BIOMASS')", name="renewable"),
        CheckConstraint("delivery_start < delivery_end", name="delivery"),
        Index("ix_certificate_issue_delivery_start", "delivery_start"),
    )

    id: Mapped[Id]
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    delivery_start: Mapped[datetime]
    delivery_end: Mapped[datetime]
    source: Mapped[EnergySource] = mapped_column(text_enum(EnergySource))
    country: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime]


class CertificateHolding(Base):
    """What one owner has of an issue, Wh, and how much of it is cancelled, once and for all.

    Written by the trigger that carries acts, by nobody else; its id is that of the first act that gave the owner some,
    and what it is of is copied from the issue.
    """

    __tablename__ = "certificate_holding"
    __table_args__ = (
        UniqueConstraint("issue_id", "owner_id"),
        CheckConstraint("cancelled_wh BETWEEN 0 AND owned_wh", name="energy"),
        Index("ix_certificate_holding_owner_id", "owner_id", "id"),
    )

    id: Mapped[Id]
    issue_id: Mapped[UUID] = mapped_column(ForeignKey("certificate_issue.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    delivery_start: Mapped[datetime]
    delivery_end: Mapped[datetime]
    source: Mapped[EnergySource] = mapped_column(text_enum(EnergySource))
    country: Mapped[str] = mapped_column(Text)
    owned_wh: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cancelled_wh: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]


class CertificateAct(Base):
    """Wh issued to, transferred between, withdrawn from or cancelled by owners. Append-only."""

    __tablename__ = "certificate_act"
    __table_args__ = (
        CheckConstraint("energy_wh > 0", name="energy"),
        CheckConstraint(
            "(from_id IS NULL) = (kind = 'ISSUED') AND (to_id IS NULL) = (kind IN ('WITHDRAWN', 'CANCELLED'))",
            name="owners",
        ),
        CheckConstraint("from_id <> to_id", name="two_owners"),
        CheckConstraint("(reason IS NULL) = (kind <> 'CANCELLED')", name="reason"),
        Index("ix_certificate_act_issue_id", "issue_id", "id"),
    )

    id: Mapped[Id]
    issue_id: Mapped[UUID] = mapped_column(ForeignKey("certificate_issue.id"))
    kind: Mapped[CertificateActKind] = mapped_column(text_enum(CertificateActKind))
    from_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    to_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    energy_wh: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class EmissionFactor(Base):
    """What a kWh from a country's grid emits in a year, by a stated method, mg of CO2 equivalent. Append-only.

    An example is there to show the calculation, and says so wherever it is used.
    """

    __tablename__ = "emission_factor"
    __table_args__ = (
        UniqueConstraint("country", "year", "method"),
        CheckConstraint("mg_per_kwh >= 0", name="factor"),
    )

    id: Mapped[Id]
    country: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column(SmallInteger)
    mg_per_kwh: Mapped[int] = mapped_column(Integer)
    method: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    is_example: Mapped[bool]
    created_at: Mapped[CreatedAt]


PERSONAL = {
    DeliveryBasis: Personal(of=("metering_point_id",), kept=METERED),
    TradeDelivery: Personal(of=("trade_id",), kept=BOOKS),
    DeliveryLine: Personal(of=("trade_id",), kept=BOOKS),
    CertificateIssue: Personal(of=("seller_id",), kept=BOOKS),
    CertificateHolding: Personal(of=("owner_id",), kept=BOOKS),
    CertificateAct: Personal(of=("from_id", "to_id"), by=("actor",), kept=BOOKS),
}
