"""Tables of metering points and readings."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, Computed, Date, ForeignKey, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum, text_enums
from domain.kernel.personal import METERED, Personal


class Direction(StrEnum):
    """Which way energy crosses the metering point, seen from the grid."""

    INJECTED = "INJECTED"
    WITHDRAWN = "WITHDRAWN"


class CodeKind(StrEnum):
    """Which national pattern a metering point's code follows."""

    IT_POD = "IT_POD"
    LU_POD = "LU_POD"
    AT_METERING_POINT = "AT_METERING_POINT"
    GENERIC = "GENERIC"


class Quality(StrEnum):
    """How a day's values came about, best first."""

    MEASURED = "MEASURED"
    ESTIMATED = "ESTIMATED"
    SUBSTITUTED = "SUBSTITUTED"
    SIMULATED = "SIMULATED"


class HoldReason(StrEnum):
    """Why readings are held until somebody decides."""

    ABOVE_CONNECTION_POWER = "ABOVE_CONNECTION_POWER"
    WORSE_QUALITY = "WORSE_QUALITY"
    COARSER_RESOLUTION = "COARSER_RESOLUTION"


class HoldDecision(StrEnum):
    """What became of held readings."""

    RELEASED = "RELEASED"
    DISCARDED = "DISCARDED"


class MeteringPoint(Base):
    """A point of connection to the public grid."""

    __tablename__ = "metering_point"
    __table_args__ = (
        CheckConstraint("cardinality(directions) > 0", name="some_direction"),
        text_enums("directions", Direction),
        CheckConstraint("connection_power_w > 0", name="connection_power"),
        Index("ix_metering_point_location", "location", postgresql_using="gist"),
    )

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(Text, index=True)
    code_kind: Mapped[CodeKind] = mapped_column(text_enum(CodeKind))
    directions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    timezone: Mapped[str] = mapped_column(Text)
    location: Mapped[Any | None] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False), nullable=True)
    location_geojson: Mapped[str | None] = mapped_column(Text, Computed("ST_AsGeoJSON(location, 6, 0)", persisted=True))
    substation_area_id: Mapped[UUID | None] = mapped_column(ForeignKey("substation_area.id"), index=True)
    connection_power_w: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]


class Reading(Base):
    """A local day of one metering point and direction.

    A value that has not arrived yet is NULL and may be filled in; a value that was there is never changed: a correction
    is a new version, and the old row is marked superseded. `received_at` is when its newest values arrived.
    """

    __tablename__ = "reading"
    __table_args__ = (
        CheckConstraint("cardinality(values_ukwh) IN (92, 96, 100, 46, 48, 50, 23, 24, 25)", name="whole_day"),
        CheckConstraint("0 <= ALL (values_ukwh)", name="not_negative"),
        Index(
            "uq_reading_current",
            "metering_point_id",
            "direction",
            "day",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_reading_received_at", "received_at"),
        {"postgresql_partition_by": "RANGE (day)"},
    )

    metering_point_id: Mapped[UUID] = mapped_column(primary_key=True)
    direction: Mapped[Direction] = mapped_column(text_enum(Direction), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    resolution_minutes: Mapped[int] = mapped_column(SmallInteger)
    quality: Mapped[Quality] = mapped_column(text_enum(Quality))
    total_ukwh: Mapped[Micro]
    values_ukwh: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    is_complete: Mapped[bool] = mapped_column(Computed("array_position(values_ukwh, NULL) IS NULL", persisted=True))
    received_at: Mapped[CreatedAt]
    superseded_at: Mapped[datetime | None]


class ReadingImport(Base):
    """A file or a call that brought readings: what it held and who sent it. `digest` makes repetition harmless."""

    __tablename__ = "reading_import"

    id: Mapped[Id]
    digest: Mapped[str] = mapped_column(Text, index=True)
    source: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(Text)
    days: Mapped[int] = mapped_column(Integer)
    values_count: Mapped[int] = mapped_column(Integer)
    corrected_days: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[CreatedAt]


class HeldReadings(Base):
    """Readings of a local day that wait for a decision, as they arrived; a value that did not arrive is NULL."""

    __tablename__ = "held_readings"
    __table_args__ = (
        CheckConstraint("cardinality(reasons) > 0", name="some_reason"),
        text_enums("reasons", HoldReason),
        CheckConstraint("num_nulls(decision, decided_at, decided_by) IN (0, 3)", name="decided"),
        Index("ix_held_readings_metering_point_id", "metering_point_id", "id"),
    )

    id: Mapped[Id]
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"))
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    day: Mapped[date] = mapped_column(Date)
    resolution_minutes: Mapped[int] = mapped_column(SmallInteger)
    quality: Mapped[Quality] = mapped_column(text_enum(Quality))
    values_ukwh: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    highest_ukwh: Mapped[Micro]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sender: Mapped[str] = mapped_column(Text)
    held_at: Mapped[CreatedAt]
    decision: Mapped[HoldDecision | None] = mapped_column(text_enum(HoldDecision))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(Text)


PERSONAL = {
    MeteringPoint: Personal(of=("id",), kept=METERED),
    Reading: Personal(of=("metering_point_id",), kept=METERED),
    ReadingImport: Personal(by=("sender",), kept=METERED),
    HeldReadings: Personal(of=("metering_point_id",), by=("sender", "decided_by"), kept=METERED),
}
