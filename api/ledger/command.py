"""`commonwatt ledger export`: the whole ledger as text that two runs of the same day have in common."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.resources.database import Database
from domain.communities.tables import Community
from domain.geography.tables import MarketZone
from domain.ledger import export
from domain.market.places.tables import Market


def add_commands(commands: Any) -> None:
    """Add them to `commonwatt ledger`."""
    exported = commands.add_parser("export", help="write all transfers and balances, comparable between runs")
    exported.add_argument("--output", type=Path, help="the file; default standard output")
    exported.add_argument(
        "--unordered", action="store_true", help="sort the lines, for runs whose workers did things in another order"
    )
    exported.set_defaults(act=_export)


async def _export(connected: Database, arguments: argparse.Namespace) -> int:
    """Write line by line, so that a long ledger takes no memory; a file is there when it is whole."""
    path: Path | None = arguments.output
    part = path and path.with_name(f"{path.name}.part")
    with part.open("w") if part else nullcontext(sys.stdout) as output:
        async with connected.snapshot() as session:
            async for line in export.lines(session, await _scopes(session), unordered=arguments.unordered):
                output.write(f"{line}\n")
    if path and part:
        part.replace(path)
    return 0


async def _scopes(session: AsyncSession) -> dict[UUID, str]:
    """Markets by the code of their zone, communities by name."""
    markets = await session.execute(
        select(Market.id, MarketZone.code).join(MarketZone, MarketZone.id == Market.zone_id)
    )
    communities = await session.execute(select(Community.id, Community.name))
    return {row[0]: row[1] for row in (*markets.all(), *communities.all())}
