"""The south is halted, with nobody who has an order there; both zones have limits and the like from their operator."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import feed
from domain.grid import alerts, tables
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from tests.api.authorization.world import PERIOD, World

# By hour: of few who inject, of few who withdraw, and of many.
WITHHELD: tuple[dict[str, Suppression], ...] = (
    {"injected_withheld": Suppression.FEWER_THAN_FIVE},
    {"withdrawn_withheld": Suppression.DIFFERENCE},
    {},
)


async def add_rows(session: AsyncSession, world: World) -> None:
    """Halts, limits, capacities, alerts and loads."""
    operator_id = world.rows["User"]["gridley"]
    facts: dict[str, Any] = {"reason": "test", "set_by_id": operator_id}
    by = {"halted_by_id": operator_id, "started_at": PERIOD[0], "reason": "test"}
    kind = {"kind": tables.AlertKind.MAINTENANCE, "severity": tables.Severity.NOTICE, "title": "x", "text": "x"}
    for name in ("north", "south"):
        zone_id = world.rows["MarketZone"][name]
        limit = tables.ZoneLimit(zone_id=zone_id, kind=tables.LimitKind.PER_ORDER, energy_ukwh=10**14, **facts)
        await world.store(session, "ZoneLimit", name, limit)
        capacity = tables.ZoneCapacity(
            zone_id=zone_id, direction=Direction.WITHDRAWN, power_w=1_000, valid_from=PERIOD[0], **facts
        )
        await world.store(session, "ZoneCapacity", name, capacity)
        alert = tables.GridAlert(zone_id=zone_id, starts_at=PERIOD[0], issued_by_id=operator_id, **kind)
        await world.store(session, "GridAlert", name, alert)
        await feed.append(session, alerts.stream_of(zone_id), [{"alert_id": str(alert.id), "is_withdrawn": False}])
        for hour, withheld in enumerate(WITHHELD):
            for quarter in range(4):
                start = PERIOD[0] + timedelta(hours=hour, minutes=15 * quarter)
                session.add(_load(zone_id, start, withheld))
    lifted = {"lifted_at": PERIOD[1], "lifted_by_id": operator_id}
    halt = tables.ZoneHalt(zone_id=world.rows["MarketZone"]["north"], **by, **lifted)
    await world.store(session, "ZoneHalt", "north", halt)
    halt = tables.ZoneHalt(zone_id=world.rows["MarketZone"]["south"], **by)
    await world.store(session, "ZoneHalt", "south", halt)


def _load(zone_id: UUID, start: datetime, withheld: dict[str, Suppression]) -> tables.ZoneLoad:
    """100 kW of 200 kW withdrawn, withheld from others for some reason."""
    return tables.ZoneLoad(
        zone_id=zone_id,
        interval_start=start,
        version=1,
        injected_ukwh=0,
        withdrawn_ukwh=25_000_000,
        net_export_ukwh=0,
        direction=Direction.WITHDRAWN,
        load_w=100_000,
        capacity_w=200_000,
        utilisation_ppm=500_000,
        measured_at=PERIOD[1],
        **withheld,
    )
