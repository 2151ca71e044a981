"""Tables of sharing keys, allocation runs and operator figures."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, Personal
from domain.metering.tables import Direction


class KeyKind(StrEnum):
    """How shared energy is divided among the members."""

    EQUAL = "EQUAL"
    STATIC = "STATIC"
    STATIC_ROUNDS = "STATIC_ROUNDS"
    PRO_RATA = "PRO_RATA"
    PRIORITY = "PRIORITY"
    HYBRID = "HYBRID"


class SharingKey(Base):
    """A community's key from an instant on: one kind for the consuming and one for the producing side."""

    __tablename__ = "sharing_key"
    __table_args__ = (UniqueConstraint("community_id", "valid_from"),)

    id: Mapped[Id]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[KeyKind] = mapped_column(text_enum(KeyKind))
    production_kind: Mapped[KeyKind] = mapped_column(text_enum(KeyKind, "production_kind"))
    valid_from: Mapped[datetime]
    created_at: Mapped[CreatedAt]


class KeyShare(Base):
    """What a key says of one metering point: its share in millionths, or its rank (1 first), or both."""

    __tablename__ = "key_share"
    __table_args__ = (
        CheckConstraint("share_ppm BETWEEN 0 AND 1000000", name="share"),
        CheckConstraint("rank >= 1", name="rank"),
        UniqueConstraint("key_id", "metering_point_id", "direction"),
    )

    id: Mapped[Id]
    key_id: Mapped[UUID] = mapped_column(ForeignKey("sharing_key.id"))
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"))
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    share_ppm: Mapped[int | None] = mapped_column(Integer)
    rank: Mapped[int | None] = mapped_column(Integer)


class AllocationRun(Base):
    """One computed allocation of a community and period. Append-only."""

    __tablename__ = "allocation_run"
    __table_args__ = (
        UniqueConstraint("community_id", "period_start", "period_end", "version"),
        CheckConstraint(
            "traded_out_ukwh >= 0 AND traded_in_ukwh >= 0 AND shared_ukwh <= injected_ukwh - traded_out_ukwh"
            " AND shared_ukwh <= withdrawn_ukwh - traded_in_ukwh",
            name="shared",
        ),
    )

    id: Mapped[Id]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    version: Mapped[int] = mapped_column(Integer)
    key_id: Mapped[UUID] = mapped_column(ForeignKey("sharing_key.id"))
    interval_minutes: Mapped[int] = mapped_column(SmallInteger)
    input_digest: Mapped[str] = mapped_column(Text)
    injected_ukwh: Mapped[Micro]
    withdrawn_ukwh: Mapped[Micro]
    traded_out_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    traded_in_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    shared_ukwh: Mapped[Micro]
    job_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class MemberAllocation(Base):
    """A run's totals of one member.

    withdrawn = traded in + shared in + from supplier; injected = traded out + shared out + to grid.
    """

    __tablename__ = "member_allocation"
    __table_args__ = (
        UniqueConstraint("run_id", "member_id"),
        CheckConstraint(
            "traded_in_ukwh >= 0 AND shared_in_ukwh BETWEEN 0 AND withdrawn_ukwh - traded_in_ukwh", name="withdrawn"
        ),
        CheckConstraint(
            "traded_out_ukwh >= 0 AND shared_out_ukwh BETWEEN 0 AND injected_ukwh - traded_out_ukwh", name="injected"
        ),
        Index("ix_member_allocation_member_id", "member_id"),
    )

    id: Mapped[Id]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("allocation_run.id"))
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    injected_ukwh: Mapped[Micro]
    withdrawn_ukwh: Mapped[Micro]
    traded_out_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    traded_in_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    shared_out_ukwh: Mapped[Micro]
    shared_in_ukwh: Mapped[Micro]


class AllocationDay(Base):
    """Shared energy of one metering point, direction and local day of a run, in the shape of readings. Append-only.

    `metered_ukwh` are the values that went into the run (after the participation factor), `traded_ukwh` what trades
    took of them, NULL where that is nothing.
    """

    __tablename__ = "allocation_day"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("allocation_run.id"), primary_key=True)
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"), primary_key=True)
    direction: Mapped[Direction] = mapped_column(text_enum(Direction), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    metered_ukwh: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    traded_ukwh: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    shared_ukwh: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class OperatorFigure(Base):
    """Shared energy that the grid operator states for one metering point, direction and local day.

    NULL where it states nothing. A newer statement of the same day supersedes the older one.
    """

    __tablename__ = "operator_figure"

    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"), primary_key=True)
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"), primary_key=True)
    direction: Mapped[Direction] = mapped_column(text_enum(Direction), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    resolution_minutes: Mapped[int] = mapped_column(SmallInteger)
    shared_ukwh: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    received_at: Mapped[CreatedAt]


class AllocationDifference(Base):
    """An interval in which a run and the operator's figures differ by more than the operator's rounding (10^-6 kWh)."""

    __tablename__ = "allocation_difference"
    __table_args__ = (Index("ix_allocation_difference_run_id", "run_id", "id"),)

    id: Mapped[Id]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("allocation_run.id"))
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    interval_start: Mapped[datetime]
    ours_ukwh: Mapped[Micro]
    operator_ukwh: Mapped[Micro]


PERSONAL = {
    KeyShare: Personal(of=("metering_point_id",), kept=BOOKS),
    MemberAllocation: Personal(of=("member_id",), kept=BOOKS),
    AllocationDay: Personal(of=("metering_point_id", "member_id"), kept=BOOKS),
    OperatorFigure: Personal(of=("metering_point_id",), kept=BOOKS),
    AllocationDifference: Personal(of=("metering_point_id", "member_id"), kept=BOOKS),
}
