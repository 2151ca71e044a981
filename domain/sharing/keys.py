"""Set a community's sharing key, and find the one in force.

A key has a kind for the consuming side and one for the producing side (Luxembourg: the side that is short decides;
elsewhere production is pro rata). Kinds that need a share or a rank of each point name them in millionths or from 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.audit import entries
from domain.communities import frameworks
from domain.communities.tables import Community, Participation
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.kernel.intervals import Period
from domain.kernel.quantities import WHOLE_PPM
from domain.metering.tables import Direction
from domain.sharing import visibility
from domain.sharing.tables import AllocationRun, KeyKind, KeyShare, SharingKey

NEEDS_SHARE = frozenset({KeyKind.STATIC, KeyKind.STATIC_ROUNDS, KeyKind.HYBRID})
NEEDS_RANK = frozenset({KeyKind.PRIORITY})


class KeyNotAllowed(DomainError):
    """The community's framework does not know this kind of key."""

    def __init__(self, kind: KeyKind, allowed: Sequence[str], source: str) -> None:
        super().__init__(f"The framework allows {', '.join(allowed)}, not {kind.value} ({source}).")
        self.kind = kind
        self.allowed = list(allowed)


class KeyInUse(DomainError):
    """An allocation was already computed for a period at or after the start of the key (invariant I3)."""

    def __init__(self, allocated_until: datetime, *, is_new: bool = True) -> None:
        rest = "a new key must start then or later" if is_new else "a key that was used stays"
        super().__init__(f"Energy is allocated until {allocated_until.isoformat()}: {rest}.")
        self.allocated_until = allocated_until
        self.is_new = is_new


class NoKeyInForce(DomainError):
    """The community has no key at the start of the period, or it changes within."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Share:
    """What a key says of one point on one side."""

    metering_point_id: UUID
    direction: Direction
    share_ppm: int | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as an allocation needs it."""

    id: UUID
    kind: KeyKind
    production_kind: KeyKind
    shares: tuple[Share, ...]


async def set_key(
    session: AsyncSession,
    community_id: UUID,
    kind: KeyKind,
    production_kind: KeyKind,
    valid_from: datetime,
    shares: Sequence[Share],
    *,
    actor: str,
) -> UUID:
    """A new key from an instant on; it replaces one that was to begin at that instant and that nothing has used.

    Raises KeyNotAllowed, KeyInUse, InvalidValue.
    """
    community = await session.get_one(Community, community_id, with_for_update=True)
    framework = await frameworks.rules(session, community.framework_code)
    for chosen in (kind, production_kind):
        if chosen.value not in framework.allowed_keys:
            raise KeyNotAllowed(chosen, framework.allowed_keys, framework.source)
    await _check_unused(session, community_id, valid_from)
    await _check_points(session, community_id, shares)
    check_shares(kind, Direction.WITHDRAWN, shares)
    check_shares(production_kind, Direction.INJECTED, shares)
    await _remove(session, select(SharingKey).where(*_at(community_id, valid_from)), actor=actor)
    key = SharingKey(community_id=community_id, kind=kind, production_kind=production_kind, valid_from=valid_from)
    session.add(key)
    await session.flush()
    session.add_all(
        KeyShare(
            key_id=key.id,
            community_id=community_id,
            metering_point_id=share.metering_point_id,
            direction=share.direction,
            share_ppm=share.share_ppm,
            rank=share.rank,
        )
        for share in shares
    )
    facts = {
        "kind": kind.value,
        "production_kind": production_kind.value,
        "valid_from": valid_from,
        "points": len(shares),
    }
    await entries.record(
        session, "sharing_key.set", actor=actor, subject=("SharingKey", key.id), scope_id=community_id, facts=facts
    )
    return key.id


async def remove_key(session: AsyncSession, key_id: UUID, *, by: Viewer) -> UUID:
    """Take a key away that no allocation has used; gives its community. Raises NotFound, NotAllowed, KeyInUse."""
    query = select(SharingKey).where(SharingKey.id == key_id, visibility.sharing_keys(by))
    key = (await session.scalars(query)).one_or_none()
    if key is None:
        raise NotFound("sharing key", key_id)
    if not by.may_administer(key.community_id):
        raise NotAllowed("remove its sharing key")
    await session.get_one(Community, key.community_id, with_for_update=True)
    await _remove(session, select(SharingKey).where(SharingKey.id == key_id), actor=by.key)
    return key.community_id


def check_shares(kind: KeyKind, direction: Direction, shares: Sequence[Share]) -> None:
    """Whether a side's shares say what its kind needs and no more. Raises InvalidValue naming the share."""
    total = 0
    for number, share in enumerate(shares):
        if share.direction is not direction:
            continue
        path = ("shares", str(number))
        if (share.share_ppm is None) == (kind in NEEDS_SHARE):
            raise InvalidValue(
                (*path, "share"), f"A {kind.value} key {_needs(kind in NEEDS_SHARE)} a share of each point."
            )
        if (share.rank is None) == (kind in NEEDS_RANK):
            raise InvalidValue(
                (*path, "rank"), f"A {kind.value} key {_needs(kind in NEEDS_RANK)} a rank of each point."
            )
        if share.share_ppm is not None and not 0 <= share.share_ppm <= WHOLE_PPM:
            raise InvalidValue((*path, "share"), "A share is between 0 and 1.")
        if share.rank is not None and not 1 <= share.rank <= 10_000:
            raise InvalidValue((*path, "rank"), "A rank is between 1 and 10000.")
        total += share.share_ppm or 0
    if kind in NEEDS_SHARE and not total:
        raise InvalidValue(("shares",), f"A {kind.value} key without shares would give nobody anything.")
    if total > WHOLE_PPM:
        raise InvalidValue(("shares",), f"The shares of one side add up to {total / WHOLE_PPM:f}, more than 1.")


async def key_at(connection: AsyncConnection, community_id: UUID, period: Period) -> Key:
    """The key in force over a period. Raises NoKeyInForce where there is none, or it changes within."""
    query = (
        select(SharingKey.id, SharingKey.kind, SharingKey.production_kind, SharingKey.valid_from)
        .where(SharingKey.community_id == community_id, SharingKey.valid_from < period.end)
        .order_by(SharingKey.valid_from.desc())
        .limit(1)
    )
    row: Any = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NoKeyInForce("The community has no sharing key in this period: set one first.")
    if row.valid_from > period.start:
        raise NoKeyInForce(f"The key changes at {row.valid_from.isoformat()}: allocate until then and from then on.")
    columns = (KeyShare.metering_point_id, KeyShare.direction, KeyShare.share_ppm, KeyShare.rank)
    shares = select(*columns).where(KeyShare.key_id == row.id).order_by(KeyShare.metering_point_id, KeyShare.direction)
    rows = await connection.execute(shares)
    return Key(row.id, row.kind, row.production_kind, tuple(Share(*share) for share in rows))


def _needs(is_needed: bool) -> str:
    return "needs" if is_needed else "takes no word on"


async def _check_unused(session: AsyncSession, community_id: UUID, valid_from: datetime) -> None:
    query = select(func.max(AllocationRun.period_end)).where(AllocationRun.community_id == community_id)
    allocated_until: datetime | None = (await session.execute(query)).scalar_one()
    if allocated_until and valid_from < allocated_until:
        raise KeyInUse(allocated_until)


def _at(community_id: UUID, valid_from: datetime) -> tuple[ColumnElement[bool], ...]:
    return SharingKey.community_id == community_id, SharingKey.valid_from == valid_from


async def _remove(session: AsyncSession, query: Select[SharingKey], *, actor: str) -> None:
    """Take keys away that no allocation has used; the reference of allocations to their keys keeps the others."""
    for key in await session.scalars(query):
        used = select(func.max(AllocationRun.period_end)).where(AllocationRun.key_id == key.id)
        allocated_until = (await session.execute(used)).scalar_one()
        if allocated_until is not None:
            raise KeyInUse(allocated_until, is_new=False)
        await session.execute(delete(KeyShare).where(KeyShare.key_id == key.id))
        await session.delete(key)
        await session.flush()
        facts = {"kind": key.kind.value, "valid_from": key.valid_from}
        subject = ("SharingKey", key.id)
        await entries.record(
            session, "sharing_key.remove", actor=actor, subject=subject, scope_id=key.community_id, facts=facts
        )


async def _check_points(session: AsyncSession, community_id: UUID, shares: Sequence[Share]) -> None:
    own = set(
        await session.scalars(select(Participation.metering_point_id).where(Participation.community_id == community_id))
    )
    seen: set[tuple[UUID, Direction]] = set()
    for number, share in enumerate(shares):
        if share.metering_point_id not in own:
            raise InvalidValue(("shares", str(number)), "The metering point does not take part in this community.")
        if (share.metering_point_id, share.direction) in seen:
            raise InvalidValue(("shares", str(number)), "The point is named twice for this side.")
        seen.add((share.metering_point_id, share.direction))
