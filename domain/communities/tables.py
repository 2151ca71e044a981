"""Tables of communities, members and assets."""

from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, Computed, Date, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.geography.tables import VALID_BOUNDARY, boundary_column, boundary_geojson_column
from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum, text_enums
from domain.kernel.personal import BOOKS, Personal


class FrameworkCode(StrEnum):
    """The tradition whose rules a community follows."""

    LU_SHARING = "LU_SHARING"
    IT_CER = "IT_CER"
    AT_EEG = "AT_EEG"
    EU_TRADING = "EU_TRADING"
    MICROGRID = "MICROGRID"
    COMPANY_GROUP = "COMPANY_GROUP"


class CommunityKind(StrEnum):
    """What the community is on the ground."""

    LANE = "LANE"
    BUILDING = "BUILDING"
    VILLAGE = "VILLAGE"
    SUBSTATION = "SUBSTATION"
    REGION = "REGION"
    COMPANIES = "COMPANIES"
    CUSTOM = "CUSTOM"


class CommunityStatus(StrEnum):
    """Where a community stands."""

    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"


class CommunityRole(StrEnum):
    """What a member may do in a community."""

    ADMIN = "ADMIN"
    MEMBER = "MEMBER"


class MemberKind(StrEnum):
    """How a member takes part."""

    PROSUMER = "PROSUMER"
    CONSUMER = "CONSUMER"
    PRODUCER = "PRODUCER"
    STORAGE_PROVIDER = "STORAGE_PROVIDER"


class LegalForm(StrEnum):
    """What kind of person a member is in law."""

    NATURAL_PERSON = "NATURAL_PERSON"
    SME = "SME"
    LARGE_ENTERPRISE = "LARGE_ENTERPRISE"
    PUBLIC_BODY = "PUBLIC_BODY"
    RELIGIOUS_BODY = "RELIGIOUS_BODY"
    THIRD_SECTOR = "THIRD_SECTOR"


class AssetKind(StrEnum):
    """What an asset is."""

    PV = "PV"
    WIND = "WIND"
    STORAGE = "STORAGE"
    HYDRO = "HYDRO"
    BIOMASS = "BIOMASS"


class Framework(Base):
    """A rule set in force from a date: parameters, allowed keys and checks are data with their source."""

    __tablename__ = "framework"
    __table_args__ = (UniqueConstraint("code", "valid_from"),)

    id: Mapped[Id]
    code: Mapped[FrameworkCode] = mapped_column(text_enum(FrameworkCode))
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    interval_minutes: Mapped[int] = mapped_column(Integer)
    allowed_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    needs_substation_area: Mapped[bool]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Community(Base):
    """People and bodies who share or trade energy under one framework."""

    __tablename__ = "community"
    __table_args__ = (
        CheckConstraint(f"boundary IS NULL OR ({VALID_BOUNDARY})", name="valid_boundary"),
        Index("ix_community_name", "name", "id"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    framework_code: Mapped[FrameworkCode] = mapped_column(text_enum(FrameworkCode))
    kind: Mapped[CommunityKind] = mapped_column(text_enum(CommunityKind))
    status: Mapped[CommunityStatus] = mapped_column(
        text_enum(CommunityStatus), server_default=CommunityStatus.ACTIVE.value
    )
    is_listed: Mapped[bool] = mapped_column(server_default="true")
    country: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    substation_area_id: Mapped[UUID | None] = mapped_column(ForeignKey("substation_area.id"), index=True)
    boundary: Mapped[Any | None] = boundary_column(nullable=True)
    boundary_geojson: Mapped[str | None] = boundary_geojson_column(nullable=True)
    location: Mapped[Any | None] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False), nullable=True)
    location_geojson: Mapped[str | None] = mapped_column(Text, Computed("ST_AsGeoJSON(location, 6, 0)", persisted=True))
    founder_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[CreatedAt]


class Member(Base):
    """A legal person; `user_id` is who signs in for it, where someone does, and `awaited_email` who is to do so."""

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("user_id IS NULL OR awaited_email IS NULL", name="awaited"),
        Index(
            "ix_member_awaited_email", text("lower(awaited_email)"), postgresql_where=text("awaited_email IS NOT NULL")
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    awaited_email: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    legal_form: Mapped[LegalForm] = mapped_column(text_enum(LegalForm))
    created_at: Mapped[CreatedAt]


class Membership(Base):
    """A member's time in a community [valid_from, valid_to), with its roles there; never two at once."""

    __tablename__ = "membership"
    __table_args__ = (
        ExcludeConstraint(
            ("community_id", "="),
            ("member_id", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_membership_overlap",
            using="gist",
        ),
        CheckConstraint("cardinality(roles) > 0", name="some_role"),
        text_enums("roles", CommunityRole),
        Index("ix_membership_community_id", "community_id", "id"),
        # Holds all that today's members are found by, so that their memberships need not be read themselves.
        Index(
            "ix_membership_community_member",
            "community_id",
            "member_id",
            postgresql_include=["valid_from", "valid_to"],
        ),
        Index("ix_membership_member_id", "member_id", "id"),
    )

    id: Mapped[Id]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    kind: Mapped[MemberKind] = mapped_column(text_enum(MemberKind))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[CreatedAt]


class Participation(Base):
    """The share of a metering point that a membership brings into its community, in millionths, for a time."""

    __tablename__ = "participation"
    __table_args__ = (
        ExcludeConstraint(
            ("community_id", "="),
            ("metering_point_id", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_participation_overlap",
            using="gist",
        ),
        CheckConstraint("factor_ppm BETWEEN 1 AND 1000000", name="factor"),
        Index("ix_participation_community_id", "community_id", "metering_point_id"),
        Index("ix_participation_membership_id", "membership_id", "id"),
        Index("ix_participation_metering_point_id", "metering_point_id"),
        Index("ix_participation_member_id", "member_id"),
    )

    id: Mapped[Id]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("membership.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"))
    factor_ppm: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[CreatedAt]


class Asset(Base):
    """A plant or storage behind a metering point."""

    __tablename__ = "asset"
    __table_args__ = (
        CheckConstraint("power_w > 0", name="power"),
        CheckConstraint(
            "(kind = 'STORAGE') = (capacity_ukwh IS NOT NULL) AND coalesce(capacity_ukwh, 1) > 0", name="capacity"
        ),
        Index("ix_asset_community_id", "community_id", "id"),
        Index("ix_asset_metering_point_id", "metering_point_id"),
    )

    id: Mapped[Id]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    metering_point_id: Mapped[UUID] = mapped_column(ForeignKey("metering_point.id"))
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[AssetKind] = mapped_column(text_enum(AssetKind))
    power_w: Mapped[Micro]
    capacity_ukwh: Mapped[Micro | None]
    commissioned_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[CreatedAt]


PERSONAL = {
    Community: Personal(by=("founder_id",)),
    Member: Personal(of=("user_id", "name", "awaited_email")),
    Membership: Personal(of=("member_id",), kept=BOOKS),
    Participation: Personal(of=("member_id", "membership_id", "metering_point_id"), kept=BOOKS),
    Asset: Personal(of=("metering_point_id",)),
}
