"""What operators say of zones: fifty of each in the first zone, and one in each other that may have but one."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone
from domain.grid import tables
from domain.identity.tables import User
from domain.metering.tables import Direction
from tests.api.crowd import MANY, START, Crowd, ids, stored


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Halts, limits, capacities and alerts."""
    user_id, *_ = await ids(session, User)
    zones = await ids(session, MarketZone)
    said = {"reason": "x"}
    halts = [{"zone_id": zones[0], "lifted_at": START} for _ in range(MANY)] + [{"zone_id": id} for id in zones[1:]]
    await stored(session, [tables.ZoneHalt(started_at=START, halted_by_id=user_id, **said, **each) for each in halts])
    limits = [(zones[0], kind) for kind in tables.LimitKind] + [(id, tables.LimitKind.PER_ORDER) for id in zones[1:]]
    await stored(session, [tables.ZoneLimit(zone_id=id, kind=kind, energy_ukwh=1_000, **said) for id, kind in limits])
    starts = [START + timedelta(hours=i) for i in range(MANY)]
    power = {"direction": Direction.WITHDRAWN, "power_w": 1_000}
    await stored(session, [tables.ZoneCapacity(zone_id=zones[0], valid_from=at, **power, **said) for at in starts])
    told = {"kind": tables.AlertKind.OUTAGE, "severity": tables.Severity.NOTICE, "title": "x", "text": "x"}
    await stored(
        session, [tables.GridAlert(zone_id=zones[0], starts_at=at, issued_by_id=user_id, **told) for at in starts]
    )
