"""One verification."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import Verification
from tests.api.authorization.world import PERIOD, World


async def add_rows(session: AsyncSession, world: World) -> None:
    """It found nothing wrong."""
    found = {"started_at": PERIOD[0], "finished_at": PERIOD[1], "checks": ["I6 audit"], "breaches_count": 0}
    await world.store(session, "Verification", "once", Verification(breaches=[], **found))
