"""Whose audit log one may read: administrators of the platform all, others that of what they administer or operate."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.places.tables import Market


async def may_audit(session: AsyncSession, viewer: Viewer, scope_id: UUID | None) -> bool:
    """Whether the viewer may read the chain of a community, market or zone; None is the platform's own.

    Administrators read their community's, grid operators their zone's and its market's. Applications read none.
    """
    if viewer.is_admin:
        return True
    if scope_id is None:
        return False
    if scope_id in viewer.administered_ids or scope_id in viewer.operated_zone_ids:
        return True
    if not viewer.operated_zone_ids:
        return False
    zone_id = await session.scalar(select(Market.zone_id).where(Market.id == scope_id))
    return zone_id in viewer.operated_zone_ids
