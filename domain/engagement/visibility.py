"""What a viewer may see of cards: those of today's members of one's communities, and no card's person.

Whoever opted out is hidden from the others, and sees the own card still.
"""

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import aliased

from domain.communities.tables import Member, Membership
from domain.engagement.tables import EngagementPreference, MemberCard
from domain.identity.viewers import Viewer, one_of

_membership = aliased(Membership, name="carded_membership")
_member = aliased(Member, name="carded_member")


def cards(viewer: Viewer) -> ColumnElement[bool]:
    """Cards of the communities one is in or administers; administrators of the platform see all."""
    if viewer.is_admin:
        return true()
    communities = viewer.community_ids | viewer.administered_ids
    if not communities:
        return false()
    opted_out = exists(
        select(EngagementPreference.user_id).where(
            EngagementPreference.user_id == _member.user_id, EngagementPreference.is_opted_out
        )
    )
    of_today = (
        select(_membership.id)
        .join(_member, _member.id == _membership.member_id)
        .where(_membership.id == MemberCard.membership_id, _holds())
        .where(or_(one_of(_membership.member_id, viewer.member_ids), not_(opted_out)))
    )
    return and_(one_of(MemberCard.community_id, communities), exists(of_today))


def own_cards(viewer: Viewer) -> ColumnElement[bool]:
    """Cards of one's own memberships that hold today."""
    if not viewer.member_ids:
        return false()
    own = select(_membership.id).where(one_of(_membership.member_id, viewer.member_ids), _holds())
    return MemberCard.membership_id.in_(own)


def _holds() -> ColumnElement[bool]:
    return and_(
        _membership.valid_from <= func.current_date(),
        or_(_membership.valid_to.is_(None), _membership.valid_to > func.current_date()),
    )
