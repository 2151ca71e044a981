"""Who is looking: the bound values that every `visible(viewer)` predicate compares with."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, bindparam, false
from sqlalchemy.dialects.postgresql import ARRAY

from domain.errors import NotAllowed
from domain.identity.keys import READ
from domain.identity.tables import ApiKeyKind, PlatformRole


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user, an application acting for one, or nobody."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    api_key_id: UUID | None = None
    api_key_kind: ApiKeyKind | None = None
    scopes: frozenset[str] = frozenset()
    roles: frozenset[PlatformRole] = frozenset()
    operated_zone_ids: frozenset[UUID] = frozenset()
    member_ids: frozenset[UUID] = field(default_factory=frozenset)
    community_ids: frozenset[UUID] = field(default_factory=frozenset)
    administered_ids: frozenset[UUID] = field(default_factory=frozenset)
    expires_at: datetime | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody signed in."""
        return self.user_id is None

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator of the platform."""
        return PlatformRole.ADMIN in self.roles

    @property
    def key(self) -> str:
        """A stable name for budgets, logs and the audit log; tells nothing of the person."""
        if self.api_key_id is not None:
            return f"key:{self.api_key_id}"
        return "anonymous" if self.user_id is None else f"user:{self.user_id}"

    @property
    def may_read(self) -> bool:
        """Whether what is the user's own may be read: by the person, and by applications with the scope `read`."""
        return self.api_key_id is None or READ in self.scopes

    def may_administer(self, community_id: UUID) -> bool:
        """Whether the viewer may change a community and read its members' data."""
        return self.is_admin or community_id in self.administered_ids


ANONYMOUS = Viewer()


def one_of(column: Any, ids: Collection[UUID]) -> ColumnElement[bool]:
    """`column = ANY(ids)` with the ids bound, so that the statement's text is the same for every viewer."""
    if not ids:
        return false()
    return column == any_(bindparam(None, sorted(ids), type_=ARRAY(Uuid()), unique=True))  # type: ignore[no-any-return]


def is_viewer(column: Any, viewer: Viewer) -> ColumnElement[bool]:
    """`column = the viewer's user id`, false for nobody."""
    return false() if viewer.user_id is None else column == bindparam(None, viewer.user_id, Uuid(), unique=True)


def require_scope(viewer: Viewer, scope: str, act: str) -> None:
    """An application may only do what its key says; people may do what their roles say. Raises NotAllowed."""
    if viewer.api_key_id is not None and scope not in viewer.scopes:
        raise NotAllowed(act)
