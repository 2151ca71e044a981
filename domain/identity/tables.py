"""Tables of users, sessions and API keys."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, text_enum
from domain.kernel.personal import Personal


class PlatformRole(StrEnum):
    """What a user may do across communities."""

    ADMIN = "ADMIN"
    GRID_OPERATOR = "GRID_OPERATOR"


class Language(StrEnum):
    """What people are told in."""

    EN = "EN"
    DE = "DE"
    FR = "FR"
    IT = "IT"


class LinkPurpose(StrEnum):
    """What a link that was sent by mail is good for."""

    CONFIRM_REGISTRATION = "CONFIRM_REGISTRATION"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 (a purpose, no password)
    CHANGE_EMAIL = "CHANGE_EMAIL"


class ApiKeyKind(StrEnum):
    """What an application is."""

    PARTNER = "PARTNER"
    METER = "METER"


class User(Base):
    """A person who signs in; triggers count in `sight_version` what changes their roles, members and memberships.

    Until a link that was sent to its address has come back it is not confirmed, and nobody can tell it from none: it
    has no password, no member is its, and whoever reads the address's mail may still take it.
    Until the person has chosen a language, each log-in says which one their browser asks for.
    """

    __tablename__ = "user_account"
    __table_args__ = (Index("uq_user_account_email", text("lower(email)"), unique=True),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    is_confirmed: Mapped[bool] = mapped_column(server_default="true")
    language: Mapped[Language] = mapped_column(text_enum(Language), server_default=Language.EN.value)
    is_language_chosen: Mapped[bool] = mapped_column(server_default="false")
    disabled_at: Mapped[datetime | None]
    sight_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]


class UserRole(Base):
    """A platform role of a user; a grid operator's role names the zone it holds for."""

    __tablename__ = "user_role"
    __table_args__ = (
        UniqueConstraint("user_id", "role", "zone_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("(role = 'GRID_OPERATOR') = (zone_id IS NOT NULL)", name="zone_of_operator"),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    role: Mapped[PlatformRole] = mapped_column(text_enum(PlatformRole))
    zone_id: Mapped[UUID | None] = mapped_column(ForeignKey("market_zone.id"))


class Session(Base):
    """A signed-in device: opaque tokens, stored as SHA-256, that rotate within one family.

    `device` and `opened_at` are of the log-in: what its browser called itself, and when it was.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_family_id", "family_id"),
        Index("ix_session_live", "user_id", "id", postgresql_where=text("rotated_at IS NULL AND revoked_at IS NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    family_id: Mapped[UUID]
    device: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime | None]
    access_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    refresh_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    access_expires_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class AccountLink(Base):
    """A link of one use that went to an address; what opens it can be made from its id, and is nowhere stored."""

    __tablename__ = "account_link"
    __table_args__ = (Index("ix_account_link_user_id", "user_id", "purpose"),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    purpose: Mapped[LinkPurpose] = mapped_column(text_enum(LinkPurpose))
    email: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class ApiKey(Base):
    """An application's key; the text itself is shown once and stored as SHA-256."""

    __tablename__ = "api_key"

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    kind: Mapped[ApiKeyKind] = mapped_column(text_enum(ApiKeyKind))
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


PERSONAL = {
    User: Personal(of=("id",)),
    UserRole: Personal(of=("user_id",)),
    Session: Personal(of=("user_id",)),
    AccountLink: Personal(of=("user_id",)),
    ApiKey: Personal(of=("owner_id",)),
}
