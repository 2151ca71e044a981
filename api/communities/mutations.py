"""Found, change and close communities; admit members and let them go."""

from typing import Any

import strawberry

from api.communities.assets import AssetMutations
from api.engine.declarations import leading
from api.engine.fields import edge
from api.geography.geojson import GeoJSONMultiPolygon, GeoJSONPoint
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import Date, key_of
from api.resources.settings import Caps
from domain.communities import communities, memberships, sight, tables
from domain.communities.communities import CommunityChanges, NewCommunity
from domain.communities.members import NewMember
from domain.communities.tables import CommunityKind, CommunityRole, FrameworkCode, LegalForm, MemberKind
from domain.identity.tables import User
from domain.kernel.errors import InvalidValue, NotAllowed

COMMUNITY_CLOSED = ErrorCode("COMMUNITY_CLOSED", "The community has ended.")
TOO_MANY_COMMUNITIES = ErrorCode("TOO_MANY_COMMUNITIES", "The caller founded as many communities as one may have open.")
LAST_ADMINISTRATOR = ErrorCode("LAST_ADMINISTRATOR", "Nobody would be left who administers the community.")

FOUNDER_ROLES = frozenset({CommunityRole.ADMIN, CommunityRole.MEMBER})


@strawberry.type(description="The community is closed; it stays as it is.")
class CommunityClosed(UserError):
    pass


@strawberry.type(description="Nobody would be left who administers the community.")
class LastAdministrator(UserError):
    pass


@strawberry.type(description="The caller founded as many communities as one may have open.")
class TooManyCommunities(UserError):
    maximum: int = strawberry.field(description="How many one may have.")


@refusal(communities.TooManyCommunities)
def _too_many(error: communities.TooManyCommunities) -> UserError:
    return TooManyCommunities(code=TOO_MANY_COMMUNITIES, message=error.message, path=None, maximum=error.maximum)


@refusal(communities.CommunityClosed)
def _closed(error: communities.CommunityClosed) -> UserError:
    return CommunityClosed(code=COMMUNITY_CLOSED, message=error.message, path=["communityId"])


@refusal(memberships.LastAdministrator)
def _last(error: memberships.LastAdministrator) -> UserError:
    return LastAdministrator(code=LAST_ADMINISTRATOR, message=error.message, path=["membershipId"])


@strawberry.input(description="A new community; the caller becomes a member who administers it.")
class CreateCommunityInput:
    framework: FrameworkCode = strawberry.field(description="The tradition it follows; it stays so.")
    kind: CommunityKind = strawberry.field(description="What it is on the ground.")
    name: str = strawberry.field(description="1 to 120 characters.")
    timezone: str = strawberry.field(description="IANA zone of its local days, such as Europe/Rome; it stays so.")
    country: str | None = strawberry.field(
        default=None, description="ISO 3166-1 alpha-2; default the framework's, needed where that has none."
    )
    description: str | None = strawberry.field(default=None, description="At most 2000 characters.")
    is_listed: bool = strawberry.field(default=True, description="Whether everybody may see it.")
    substation_area_id: strawberry.ID | None = strawberry.field(
        default=None, description="The primary-substation area that bounds it; some frameworks need one."
    )
    boundary: GeoJSONMultiPolygon | None = strawberry.field(default=None, description="Its boundary; public.")
    location: GeoJSONPoint | None = strawberry.field(default=None, description="Where to put its label; public.")
    member_name: str | None = strawberry.field(
        default=None, description="Name of the founding member; default the caller's."
    )
    legal_form: LegalForm = strawberry.field(
        default=LegalForm.NATURAL_PERSON, description="What the founding member is in law."
    )
    member_kind: MemberKind = strawberry.field(
        default=MemberKind.CONSUMER, description="How the founding member takes part."
    )


@strawberry.input(description="Changes of a community; a field that is left out stays as it is.")
class UpdateCommunityInput:
    id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    expected_version: int = strawberry.field(description="The version the caller has read.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="1 to 120 characters; not null.")
    kind: CommunityKind | None = strawberry.field(default=strawberry.UNSET, description="Not null.")
    is_listed: bool | None = strawberry.field(default=strawberry.UNSET, description="Not null.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="Null clears it.")
    substation_area_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="All points that take part must lie in it. Null clears it, where allowed."
    )
    boundary: GeoJSONMultiPolygon | None = strawberry.field(default=strawberry.UNSET, description="Null clears it.")
    location: GeoJSONPoint | None = strawberry.field(default=strawberry.UNSET, description="Null clears it.")


@strawberry.input(description="The community to close.")
class CloseCommunityInput:
    id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    expected_version: int = strawberry.field(description="The version the caller has read.")


@strawberry.type(description="A community as it is now.")
class CommunityPayload(Payload):
    community = edge(None, "Community", "The community.")


@strawberry.type(description="A community that was founded.")
class CreateCommunityPayload(CommunityPayload):
    pass


@strawberry.type(description="A community that was changed.")
class UpdateCommunityPayload(CommunityPayload):
    pass


@strawberry.type(description="A community that was closed.")
class CloseCommunityPayload(CommunityPayload):
    pass


@strawberry.input(description="A new member, or one that returns.")
class AddMemberInput:
    community_id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    kind: MemberKind = strawberry.field(description="How it takes part.")
    name: str | None = strawberry.field(default=None, description="Name of a new member, 1 to 120 characters.")
    legal_form: LegalForm | None = strawberry.field(default=None, description="What a new member is in law.")
    email: str | None = strawberry.field(
        default=None,
        description="Address of the account that signs in for a new member, now or once there is one; whether there is "
        "one is not told.",
    )
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="A member the caller may see, in place of name, legalForm and email."
    )
    roles: list[CommunityRole] = strawberry.field(
        default_factory=lambda: [CommunityRole.MEMBER], description="What it may do; at least one."
    )
    valid_from: Date | None = strawberry.field(default=None, description="First day of the membership; default today.")


@strawberry.type(description="A member that was admitted.")
class AddMemberPayload(Payload):
    member = edge(None, "Member", "The member.")
    membership = edge(None, "Membership", "Its time in the community.")


@strawberry.input(description="The membership to end.")
class EndMembershipInput:
    membership_id: strawberry.ID = strawberry.field(
        description="A membership in a community that the caller administers, or the caller's own."
    )
    valid_to: Date = strawberry.field(description="First day after it; its metering points leave with it.")


@strawberry.type(description="A membership with its end.")
class EndMembershipPayload(Payload):
    membership = edge(None, "Membership", "The membership.")


@strawberry.type
class CommunityMutations(AssetMutations):
    @mutation("Found a community; for people who are signed in, not for API keys, and not without end.")
    async def create_community(self, info: Info, input: CreateCommunityInput) -> CreateCommunityPayload:
        viewer = info.context.caller
        if viewer.user_id is None or viewer.api_key_id is not None:
            raise NotAllowed("found a community with an API key")
        area_id = input.substation_area_id
        new = NewCommunity(
            framework_code=input.framework,
            kind=input.kind,
            name=input.name,
            timezone=input.timezone,
            country=input.country,
            description=input.description,
            is_listed=input.is_listed,
            substation_area_id=None if area_id is None else key_of(area_id, "SubstationArea", "substationAreaId"),
            boundary=input.boundary,
            location=input.location,
        )
        async with info.context.transaction() as session:
            name = input.member_name
            founder = NewMember(
                name=(await session.get_one(User, viewer.user_id)).name if name is None else name,
                legal_form=input.legal_form,
                kind=input.member_kind,
                roles=FOUNDER_ROLES,
                user_id=viewer.user_id,
            )
            community_id = await communities.create_community(session, new, founder, by=viewer, most=Caps.communities)
        await _look_again(info)
        return leading(CreateCommunityPayload(), community=community_id)

    @mutation("Change a community; for its administrators.")
    async def update_community(self, info: Info, input: UpdateCommunityInput) -> UpdateCommunityPayload:
        community_id = key_of(input.id, "Community", "id")
        async with info.context.transaction() as session:
            await communities.update_community(
                session, community_id, input.expected_version, _changes(input), by=info.context.caller
            )
        return leading(UpdateCommunityPayload(), community=community_id)

    @mutation("Close a community; for its administrators. Its history stays readable.")
    async def close_community(self, info: Info, input: CloseCommunityInput) -> CloseCommunityPayload:
        community_id = key_of(input.id, "Community", "id")
        async with info.context.transaction() as session:
            await communities.close_community(session, community_id, input.expected_version, by=info.context.caller)
        return leading(CloseCommunityPayload(), community=community_id)

    @mutation("Admit a member; for administrators of the community.")
    async def add_member(self, info: Info, input: AddMemberInput) -> AddMemberPayload:
        new = NewMember(
            kind=input.kind,
            roles=frozenset(input.roles),
            name=input.name,
            legal_form=input.legal_form,
            member_id=None if input.member_id is None else key_of(input.member_id, "Member", "memberId"),
            email=input.email,
            valid_from=input.valid_from,
        )
        community_id = key_of(input.community_id, "Community", "communityId")
        async with info.context.transaction() as session:
            membership_id = await memberships.add_member(session, community_id, new, by=info.context.caller)
            member_id = (await session.get_one(tables.Membership, membership_id)).member_id
        return leading(AddMemberPayload(), member=member_id, membership=membership_id)

    @mutation("End a membership; for administrators of the community and for the member itself.")
    async def end_membership(self, info: Info, input: EndMembershipInput) -> EndMembershipPayload:
        membership_id = key_of(input.membership_id, "Membership", "membershipId")
        async with info.context.transaction() as session:
            await memberships.end_membership(session, membership_id, input.valid_to, by=info.context.caller)
        return leading(EndMembershipPayload(), membership=membership_id)


NOT_NULL = {"name": "name", "kind": "kind", "is_listed": "isListed"}


def _changes(input: UpdateCommunityInput) -> CommunityChanges:
    """What the input names. Raises InvalidValue for a null where none is allowed."""
    fields = ("name", "kind", "is_listed", "description", "substation_area_id", "boundary", "location")
    given: dict[str, Any] = {
        name: getattr(input, name) for name in fields if getattr(input, name) is not strawberry.UNSET
    }
    for name, shown in NOT_NULL.items():
        if name in given and given[name] is None:
            raise InvalidValue((shown,), f"{shown} may be left out, but not null.")
    if given.get("substation_area_id") is not None:
        given["substation_area_id"] = key_of(given["substation_area_id"], "SubstationArea", "substationAreaId")
    changes: CommunityChanges = given  # type: ignore[assignment]
    return changes


async def _look_again(info: Info) -> None:
    """A founder administers the community at once, in the rest of the same request too."""
    viewer = info.context.caller
    assert viewer.user_id is not None
    async with info.context.database.reading() as connection:
        now = await sight.viewer_for(
            connection, viewer.user_id, session_id=viewer.session_id, expires_at=viewer.expires_at
        )
    info.context.refresh(now)
