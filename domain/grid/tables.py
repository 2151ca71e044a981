"""Tables of grid operation."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, CreatedAt, Id, Micro, text_enum


class LimitKind(StrEnum):
    """What a compliance limit bounds, micro-kWh of one side."""

    PER_ORDER = "PER_ORDER"
    PER_MEMBER_AND_DAY = "PER_MEMBER_AND_DAY"
    PER_ZONE_AND_INTERVAL = "PER_ZONE_AND_INTERVAL"


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
