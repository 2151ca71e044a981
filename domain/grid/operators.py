"""Who may operate a zone, and the reason they give."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound

REASON_MAX = 500


def operates(viewer: Viewer, zone_id: UUID) -> bool:
    """Whether this is the zone's operator or an administrator of the platform; applications never are."""
    return viewer.is_admin or zone_id in viewer.operated_zone_ids


async def require(session: AsyncSession, viewer: Viewer, zone_id: UUID, act: str) -> None:
    """Raises NotFound where there is no such zone, NotAllowed where the viewer does not operate it."""
    if not operates(viewer, zone_id):
        raise NotAllowed(act)
    if await session.scalar(select(MarketZone.id).where(MarketZone.id == zone_id)) is None:
        raise NotFound("market zone", zone_id)


def checked_reason(reason: str) -> str:
    """The reason without blanks around it. Raises InvalidValue."""
    return checked_text(reason, REASON_MAX, "reason", "A reason")


def checked_text(text: str, longest: int, name: str, what: str) -> str:
    """A text without blanks around it. Raises InvalidValue."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= longest or not all(c.isprintable() or c in "\r\n\t" for c in stripped):
        raise InvalidValue((name,), f"{what} has 1 to {longest} characters, none of them a control character.")
    return stripped
