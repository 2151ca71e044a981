"""Tables of areas."""

from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro

GEOJSON = "ST_AsGeoJSON(boundary, 6, 0)"
VALID_BOUNDARY = "ST_IsValid(boundary) AND NOT ST_IsEmpty(boundary)"


def boundary_column(*, nullable: bool = False) -> Any:
    """A multipolygon in EPSG:4326 with its spatial index."""
    return mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=True), nullable=nullable)


def boundary_geojson_column(*, nullable: bool = False) -> Any:
    """The boundary as GeoJSON text with six digits (0.1 m), generated once when the boundary is stored."""
    return mapped_column(Text, Computed(GEOJSON, persisted=True), nullable=nullable)


def area_m2_column(*, nullable: bool = False) -> Any:
    """Area on the spheroid in square metres, generated."""
    return mapped_column(Computed("ST_Area(boundary::geography)", persisted=True), nullable=nullable)


class Municipality(Base):
    """A municipality; `code` is the national one (ISTAT, LAU2) as text, zeros kept."""

    __tablename__ = "municipality"
    __table_args__ = (UniqueConstraint("country", "code"), CheckConstraint(VALID_BOUNDARY, name="valid_boundary"))

    id: Mapped[Id]
    country: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, index=True)
    population: Mapped[int | None] = mapped_column(Integer)
    population_year: Mapped[int | None] = mapped_column(Integer)
    boundary: Mapped[Any] = boundary_column()
    boundary_geojson: Mapped[str] = boundary_geojson_column()
    area_m2: Mapped[float] = area_m2_column()
    created_at: Mapped[CreatedAt]


class MarketZone(Base):
    """A zone in which energy is traded at one price."""

    __tablename__ = "market_zone"
    __table_args__ = (CheckConstraint(VALID_BOUNDARY, name="valid_boundary"),)

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    boundary: Mapped[Any | None] = boundary_column(nullable=True)
    boundary_geojson: Mapped[str | None] = boundary_geojson_column(nullable=True)
    created_at: Mapped[CreatedAt]


class ZoneLink(Base):
    """How much energy may flow from one zone to another in a delivery interval, and what it costs."""

    __tablename__ = "zone_link"
    __table_args__ = (
        UniqueConstraint("from_zone_id", "to_zone_id"),
        CheckConstraint("from_zone_id <> to_zone_id", name="two_zones"),
        CheckConstraint("capacity_ukwh >= 0 AND cost_ueur_per_kwh >= 0", name="not_negative"),
    )

    id: Mapped[Id]
    from_zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    to_zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    capacity_ukwh: Mapped[Micro]
    cost_ueur_per_kwh: Mapped[Micro]


class SubstationArea(Base):
    """The area served by one primary substation: the perimeter of an Italian community."""

    __tablename__ = "substation_area"
    __table_args__ = (
        CheckConstraint(VALID_BOUNDARY, name="valid_boundary"),
        Index("ix_substation_area_market_zone_id", "market_zone_id"),
    )

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, index=True)
    country: Mapped[str] = mapped_column(Text)
    market_zone_id: Mapped[UUID | None] = mapped_column(ForeignKey("market_zone.id"))
    boundary: Mapped[Any] = boundary_column()
    boundary_geojson: Mapped[str] = boundary_geojson_column()
    area_m2: Mapped[float] = area_m2_column()
    created_at: Mapped[CreatedAt]
