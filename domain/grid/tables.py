"""Tables of grid operation."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import DUTY, Personal
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction


class LimitKind(StrEnum):
    """What a compliance limit bounds, micro-kWh of one side."""

    PER_ORDER = "PER_ORDER"
    PER_MEMBER_AND_DAY = "PER_MEMBER_AND_DAY"
    PER_ZONE_AND_INTERVAL = "PER_ZONE_AND_INTERVAL"


class AlertKind(StrEnum):
    """What an alert is about."""

    CONGESTION = "CONGESTION"
    OUTAGE = "OUTAGE"
    MAINTENANCE = "MAINTENANCE"
    EMERGENCY = "EMERGENCY"
    INFORMATION = "INFORMATION"


class Severity(StrEnum):
    """How much an alert matters, least first."""

    NOTICE = "NOTICE"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class ZoneHalt(Base):
    """Trading in a zone is stopped from `started_at` until it is lifted or expires; one at a time."""

    __tablename__ = "zone_halt"
    __table_args__ = (
        CheckConstraint("expires_at IS NULL OR expires_at > started_at", name="expiry"),
        Index("uq_zone_halt_standing", "zone_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
        Index("ix_zone_halt_zone_id", "zone_id", "id"),
    )

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    reason: Mapped[str] = mapped_column(Text)
    halted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[CreatedAt]


class ZoneLimit(Base):
    """The most energy that may be offered in a zone, by kind; null in none of its columns."""

    __tablename__ = "zone_limit"
    __table_args__ = (UniqueConstraint("zone_id", "kind"), CheckConstraint("energy_ukwh > 0", name="energy"))

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    kind: Mapped[LimitKind] = mapped_column(text_enum(LimitKind))
    energy_ukwh: Mapped[Micro]
    reason: Mapped[str] = mapped_column(Text)
    set_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    set_at: Mapped[CreatedAt]


class ZoneCapacity(Base):
    """The most power a zone can take in or give out from an instant on, until a later row. Append-only."""

    __tablename__ = "zone_capacity"
    __table_args__ = (
        UniqueConstraint("zone_id", "direction", "valid_from"),
        CheckConstraint("power_w > 0", name="power"),
        Index("ix_zone_capacity_zone_id", "zone_id", "id"),
    )

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    power_w: Mapped[Micro]
    valid_from: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    set_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[CreatedAt]


class ZoneLoad(Base):
    """What was known of a zone's quarter-hour when it was measured; the highest version counts. Append-only.

    injected_ukwh, withdrawn_ukwh: metered, null while no reading is there; withheld from who does not operate the zone
    for the reasons beside them (`domain.aggregates`). net_export_ukwh: sold to other zones less
    bought from them. utilisation_ppm: load over capacity, null where no capacity is known.
    """

    __tablename__ = "zone_load"
    __table_args__ = (
        UniqueConstraint("zone_id", "interval_start", "version"),
        CheckConstraint("injected_ukwh >= 0 AND withdrawn_ukwh >= 0", name="not_negative"),
        CheckConstraint("(injected_ukwh IS NULL) = (withdrawn_ukwh IS NULL)", name="metered"),
        CheckConstraint("(capacity_w IS NULL) = (utilisation_ppm IS NULL)", name="utilisation"),
        CheckConstraint("load_w >= 0 AND version > 0", name="counts"),
    )

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    interval_start: Mapped[datetime]
    version: Mapped[int] = mapped_column(Integer)
    injected_ukwh: Mapped[Micro | None]
    withdrawn_ukwh: Mapped[Micro | None]
    injected_withheld: Mapped[Suppression | None] = mapped_column(text_enum(Suppression, "injected_withheld"))
    withdrawn_withheld: Mapped[Suppression | None] = mapped_column(text_enum(Suppression, "withdrawn_withheld"))
    net_export_ukwh: Mapped[Micro]
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    load_w: Mapped[Micro]
    capacity_w: Mapped[Micro | None]
    utilisation_ppm: Mapped[int | None] = mapped_column(BigInteger)
    measured_at: Mapped[datetime]


class GridAlert(Base):
    """What the people of a zone should know: by its operator, or by the platform where `issued_by_id` is null."""

    __tablename__ = "grid_alert"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="end"),
        CheckConstraint("withdrawn_at IS NOT NULL OR withdrawn_reason IS NULL", name="withdrawal"),
        Index("ix_grid_alert_zone_id", "zone_id", "id"),
        # One automatic alert per episode of congestion.
        Index(
            "uq_grid_alert_episode",
            "zone_id",
            unique=True,
            postgresql_where=text("kind = 'CONGESTION' AND issued_by_id IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    kind: Mapped[AlertKind] = mapped_column(text_enum(AlertKind))
    severity: Mapped[Severity] = mapped_column(text_enum(Severity))
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    issued_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


PERSONAL = {
    ZoneHalt: Personal(by=("halted_by_id", "lifted_by_id"), kept=DUTY),
    ZoneLimit: Personal(by=("set_by_id",), kept=DUTY),
    ZoneCapacity: Personal(by=("set_by_id",), kept=DUTY),
    GridAlert: Personal(by=("issued_by_id", "withdrawn_by_id"), kept=DUTY),
}
