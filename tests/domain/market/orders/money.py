"""What owners have, for tests of orders."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.ledger import accounts


async def wallet(session: AsyncSession, owner: Viewer) -> tuple[int, int]:
    """What is available and what is held of a trader's money, micro-EUR."""
    assert owner.user_id is not None
    found = (await accounts.hold(session, [owner.user_id])).wallets[owner.user_id]
    return found.available_ueur, found.held_ueur
