"""Member cards, and ratings of those behind them, over GraphQL."""

from collections.abc import Mapping
from uuid import UUID

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import aliased

from api.engagement.ratings import MemberRating, shown
from api.engine.declarations import Node, entity, extends
from api.engine.fields import column, edge, many
from api.graphql.context import Context, Info
from api.resources import clock
from domain.communities.tables import Membership
from domain.engagement import ratings, tables, visibility
from domain.engagement.ratings import Rating

_membership = aliased(Membership, name="membership_of_card")
_member = select(_membership.member_id).where(_membership.id == tables.MemberCard.membership_id).scalar_subquery()
CARRIED = {
    "community_key": tables.MemberCard.community_id,
    "membership_key": tables.MemberCard.membership_id,
    "member_key": _member,
}


@entity(tables.MemberCard, visible=visibility.cards, carries=CARRIED)
class MemberCard(Node):
    """The label by which a member is known to others of a community, drawn at random; it leads to nobody.

    Visible to the community's members and administrators, for as long as the membership lasts; that of who opted out to
    nobody else. A label is never given twice.
    """

    community = edge(tables.MemberCard.community_id, "Community", "The community in which it holds.", is_optional=True)
    label: str = column(tables.MemberCard.label, 'The label, such as "House A17".')

    @strawberry.field(description="Whether it is the viewer's own.")
    def is_viewer(self, info: Info) -> bool:
        return self.__dict__["member_key"] in info.context.viewer.member_ids

    @strawberry.field(
        description="How reliable the member trades; null while fewer than 5 members of the community are rated, and "
        "for who is not rated or opted out."
    )
    async def rating(self, info: Info) -> MemberRating | None:
        found = await _rating(info.context, self.__dict__["community_key"], self.__dict__["membership_key"])
        return None if found is None else shown(found)


async def _rating(context: Context, community_id: UUID, membership_id: UUID) -> Rating | None:
    async def load(community_ids: list[UUID]) -> list[Mapping[UUID, Rating]]:
        async with context.database.reading() as connection:
            found = await ratings.of_communities(connection, community_ids, now=clock.now())
        return [found for _ in community_ids]

    found: Mapping[UUID, Rating] = await context.loaders.loader("ratings by membership", load).load(community_id)
    return found.get(membership_id)


@extends("Community")
class CardsOfCommunity:
    member_cards = many(
        "MemberCard",
        "Cards of today's members who did not opt out, in no certain order; for its members and administrators.",
        on=tables.MemberCard.community_id,
    )


@strawberry.type
class CardViewer:
    member_cards = many(
        "MemberCard",
        "The viewer's own cards, of the memberships that last; a new one is drawn within seconds. In no certain order.",
        visible=visibility.own_cards,
    )
