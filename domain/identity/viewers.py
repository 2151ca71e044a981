"""Who is looking: the bound values that every `visible(viewer)` predicate compares with.

A viewer's *shape* is what a predicate's text may depend on: that there is a user, that there are memberships, which
roles and scopes; never which user or which communities. A predicate made for a shape holds named parameters, filled
in from the viewer when the statement runs, so that viewers of one shape share one statement and none sees another's.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Text, Uuid, any_, bindparam, cast, false, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from domain.identity.keys import READ
from domain.identity.tables import ApiKeyKind, PlatformRole
from domain.kernel.errors import NotAllowed


class Claim(NamedTuple):
    """What must still hold for a viewer that was read before: the token lives, and nothing of the user changed."""

    token_id: UUID
    version: int
    day: date | None


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
    version: int = 0  # Of the user's sight: counts changes of roles and memberships.
    day: date | None = None  # Of UTC on which the memberships held.
    noted_at: datetime | None = field(default=None, compare=False)  # When the use of a key was last written down.
    _shape: "Viewer | None" = field(default=None, init=False, compare=False, repr=False)
    _brought: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def shape(self) -> "Viewer":
        """What texts of statements may depend on; the same object for all viewers that may share a plan."""
        if self._shape is None:
            made = self._made_shape()  # A viewer is asked for it in every request.
            object.__setattr__(self, "_shape", SHAPES.setdefault(made, made))
        assert self._shape is not None
        return self._shape

    def _made_shape(self) -> "Viewer":
        return replace(
            self,
            user_id=self.user_id and BoundId("user_id"),
            session_id=self.session_id and BoundId("session_id"),
            api_key_id=self.api_key_id and BoundId("api_key_id"),
            operated_zone_ids=_bound("operated_zone_ids", self.operated_zone_ids),
            member_ids=_bound("member_ids", self.member_ids),
            community_ids=_bound("community_ids", self.community_ids),
            administered_ids=_bound("administered_ids", self.administered_ids),
            expires_at=None,
            version=0,
            day=None,
            noted_at=None,
        )

    @property
    def is_shape(self) -> bool:
        """Whether ids are filled in when a statement runs."""
        return isinstance(self.user_id, BoundId)

    @property
    def claim(self) -> Claim | None:
        """What has to be proven; None for nobody and for a viewer the program made itself, who bears no token."""
        token_id = self.api_key_id or self.session_id
        return None if token_id is None else Claim(token_id, self.version, self.day)

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


class BoundId(UUID):
    """The viewer's own id of some kind, filled in when a statement runs."""

    def __init__(self, name: str) -> None:
        super().__init__(int=0)
        object.__setattr__(self, "name", name)

    __slots__ = ("name",)
    name: str


class BoundIds(frozenset[UUID]):
    """Some of the viewer's id sets together, filled in when a statement runs. Never empty."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, *names: str) -> Self:
        """The sets of these attributes of a viewer."""
        ids = cls(BoundId(name) for name in names)
        ids.names = tuple(sorted(names))
        return ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundIds) and self.names == other.names

    def __hash__(self) -> int:
        return hash(self.names)

    def __or__(self, other: Any) -> Any:
        return BoundIds.of(*{*self.names, *other.names}) if isinstance(other, BoundIds) else self

    __ror__ = __or__


def _bound(name: str, ids: frozenset[UUID]) -> frozenset[UUID]:
    return BoundIds.of(name) if ids else frozenset()


ANONYMOUS = Viewer()
PARAMETER = "viewer:"
SHAPES: dict[Viewer, Viewer] = {}  # One object per shape; there are as many as ways to be a viewer.


def value_of(viewer: Viewer, parameter: str) -> Any:
    """What a viewer brings for a parameter of a statement made for its shape, such as `viewer:member_ids`."""
    try:
        return viewer._brought[parameter]
    except KeyError:
        found = viewer._brought[parameter] = _value_of(viewer, parameter)
        return found


def _value_of(viewer: Viewer, parameter: str) -> Any:
    """Ids are one text: that is quicker to send than an array, and read by the database only where it is needed."""
    names = parameter.removeprefix(PARAMETER).split("|")
    found = getattr(viewer, names[0])
    if not isinstance(found, frozenset):
        return found
    ids = found.union(*(getattr(viewer, name) for name in names[1:]))
    return "{" + ",".join(sorted(map(str, ids))) + "}"


def one_of(column: Any, ids: Collection[UUID]) -> ColumnElement[bool]:
    """`column = ANY(ids)` with the ids bound, so that the statement's text is the same for every viewer."""
    if not ids:
        return false()
    if isinstance(ids, BoundIds):
        # In a sub-select of its own, so that it is read at most once, and only where nothing else lets a row through.
        given = select(cast(bindparam(PARAMETER + "|".join(ids.names), type_=Text()), ARRAY(Uuid()))).scalar_subquery()
        return column == any_(cast(given, ARRAY(Uuid())))  # type: ignore[no-any-return]
    return column == any_(bindparam(None, sorted(ids), type_=ARRAY(Uuid()), unique=True))  # type: ignore[no-any-return]


def is_viewer(column: Any, viewer: Viewer) -> ColumnElement[bool]:
    """`column = the viewer's user id`, false for nobody."""
    if viewer.user_id is None:
        return false()
    return column == own(viewer, "user_id", Uuid())  # type: ignore[no-any-return]


def own(viewer: Viewer, name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """A value of the viewer: bound now, or for a shape when the statement runs."""
    if viewer.is_shape:
        return bindparam(PARAMETER + name, type_=type_)
    return bindparam(None, getattr(viewer, name), type_, unique=True)


def require_scope(viewer: Viewer, scope: str, act: str) -> None:
    """An application may only do what its key says; people may do what their roles say. Raises NotAllowed."""
    if viewer.api_key_id is not None and scope not in viewer.scopes:
        raise NotAllowed(act)
