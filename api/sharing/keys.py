"""Sharing keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import OVERLAP, ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from domain.identity.viewers import Viewer, one_of
from domain.kernel.errors import NotAllowed, NotFound
from domain.metering.tables import Direction
from domain.sharing import keys, tables, visibility
from domain.sharing.tables import KeyKind

KEY_NOT_ALLOWED = ErrorCode("KEY_NOT_ALLOWED", "The community's framework does not allow this sharing key.")


@strawberry.type(description="The community's framework does not know this kind of key.")
class KeyNotAllowed(UserError):
    allowed: list[KeyKind] = strawberry.field(description="Kinds that it knows.")


@strawberry.type(description="Energy was already allocated after the start of the new key; history is not changed.")
class KeyInUse(UserError):
    allocated_until: DateTime = strawberry.field(description="The new key must start then or later.")


@refusal(keys.KeyNotAllowed)
def _not_allowed(error: keys.KeyNotAllowed) -> UserError:
    allowed = [KeyKind(kind) for kind in error.allowed]
    return KeyNotAllowed(code=KEY_NOT_ALLOWED, message=error.message, path=["kind"], allowed=allowed)


@refusal(keys.KeyInUse)
def _in_use(error: keys.KeyInUse) -> UserError:
    until = DateTime(error.allocated_until)
    path = ["validFrom"] if error.is_new else ["id"]
    return KeyInUse(code=OVERLAP, message=error.message, path=path, allocated_until=until)


@entity(tables.KeyShare, visible=visibility.key_shares)
class KeyShare(Node):
    """What a key says of one metering point. Visible to who holds the point and to administrators of the community."""

    direction: Direction = column(tables.KeyShare.direction, "Side of the point that it concerns.")
    share_ppm: Micro | None = column(tables.KeyShare.share_ppm, "Share of the energy, 0 to 1.", name="share")
    rank: int | None = column(tables.KeyShare.rank, "Place in a priority key; 1 comes first.")
    metering_point = edge(tables.KeyShare.metering_point_id, "MeteringPoint", "The metering point.", is_optional=True)


@entity(tables.SharingKey, visible=visibility.sharing_keys)
class SharingKey(Node):
    """How a community divides shared energy from an instant on. Visible to its members and administrators."""

    kind: KeyKind = column(tables.SharingKey.kind, "How energy is divided among consuming points.")
    production_kind: KeyKind = column(
        tables.SharingKey.production_kind, "Whose energy is shared when not all of it is: among producing points."
    )
    valid_from: DateTime = column(tables.SharingKey.valid_from, "From when it holds, until the next key does.")
    shares = many("KeyShare", "What it says of metering points.", on=tables.KeyShare.key_id)


def _keys_at(at: datetime | None, community_ids: Sequence[UUID], viewer: Viewer) -> Any:
    """The newest key of each community that has begun at an instant, as far as the viewer may see."""
    key = tables.SharingKey
    instant: Any = func.now() if at is None else at
    return (
        select(key.community_id, key.id)
        .ext(distinct_on(key.community_id))
        .where(one_of(key.community_id, community_ids), key.valid_from <= instant)
        .where(visibility.sharing_keys(viewer))
        .order_by(key.community_id, key.valid_from.desc(), key.id.desc())
    )


@extends("Community")
class KeyOfCommunity:
    @strawberry.field(description="How it divides energy at an instant; null before its first key and for outsiders.")
    async def sharing_key(
        self,
        info: Info,
        at: Annotated[DateTime | None, strawberry.argument(description="The instant; default now.")] = None,
    ) -> SharingKey | None:
        async def load(community_ids: list[UUID]) -> list[UUID | None]:
            rows = await info.context.loaders.fetch(_keys_at(at, community_ids, info.context.viewer))
            found = {row["community_id"]: row["id"] for row in rows}
            return [found.get(community_id) for community_id in community_ids]

        key_id = await info.context.loaders.loader(("sharing key", at), load).load(self.__dict__["id"])
        key: SharingKey | None = None if key_id is None else await info.context.loaders.node("SharingKey", key_id)
        return key


@strawberry.input(description="What a key says of one metering point.")
class KeyShareInput:
    metering_point_id: strawberry.ID = strawberry.field(description="A point that takes part in the community.")
    direction: Direction = strawberry.field(description="WITHDRAWN for the consuming side, INJECTED for the producing.")
    share_ppm: Micro | None = strawberry.field(
        default=None,
        name="share",
        description="0 to 1, for STATIC, STATIC_ROUNDS and HYBRID; a side's sum is at most 1.",
    )
    rank: int | None = strawberry.field(
        default=None, description="1 to 10000, for PRIORITY; equal ranks share pro rata."
    )


@strawberry.input(description="A new key of a community.")
class SetSharingKeyInput:
    community_id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    kind: KeyKind = strawberry.field(description="How energy is divided among consuming points.")
    production_kind: KeyKind = strawberry.field(
        default=KeyKind.PRO_RATA, description="Whose energy is shared when not all of it is."
    )
    valid_from: DateTime = strawberry.field(description="From when it holds; not before the end of allocated periods.")
    shares: list[KeyShareInput] = strawberry.field(
        default_factory=list, description="At most 10000; points that are not named have share 0, or come last."
    )


@strawberry.type(description="A key that was set.")
class SetSharingKeyPayload(Payload):
    sharing_key = edge(None, "SharingKey", "The key.")


@strawberry.input(description="A key that nothing was allocated by.")
class RemoveSharingKeyInput:
    id: strawberry.ID = strawberry.field(description="A key of a community that the caller administers.")


@strawberry.type(description="The community whose key was removed.")
class RemoveSharingKeyPayload(Payload):
    community = edge(None, "Community", "The community, with the key before it in force.")


@strawberry.type
class KeyMutations:
    @mutation("Remove a key that no allocation has used; for administrators of the community.")
    async def remove_sharing_key(self, info: Info, input: RemoveSharingKeyInput) -> RemoveSharingKeyPayload:
        key_id = key_of(input.id, "SharingKey", "id")
        async with info.context.transaction() as session:
            community_id = await keys.remove_key(session, key_id, by=info.context.caller)
        return leading(RemoveSharingKeyPayload(), community=community_id)

    @mutation(
        "Set how a community divides shared energy, from an instant on; for its administrators. A key that was to "
        "begin at that instant is replaced."
    )
    async def set_sharing_key(self, info: Info, input: SetSharingKeyInput) -> SetSharingKeyPayload:
        community_id = await administered(info, input.community_id, "set its sharing key")
        shares = [
            keys.Share(
                key_of(s.metering_point_id, "MeteringPoint", "meteringPointId"), s.direction, s.share_ppm, s.rank
            )
            for s in input.shares
        ]
        async with info.context.transaction() as session:
            key_id = await keys.set_key(
                session,
                community_id,
                input.kind,
                input.production_kind,
                input.valid_from,
                shares,
                actor=info.context.caller.key,
            )
        return leading(SetSharingKeyPayload(), sharing_key=key_id)


async def administered(info: Info, id: strawberry.ID, act: str) -> UUID:
    """The key of a community that the caller may see and administers. Raises NotFound, NotAllowed."""
    community_id = key_of(id, "Community", "communityId")
    viewer = info.context.caller
    if await info.context.loaders.node("Community", community_id) is None:
        raise NotFound("community", id)
    if not viewer.may_administer(community_id):
        raise NotAllowed(act)
    return community_id
