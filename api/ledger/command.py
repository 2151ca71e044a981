"""`commonwatt ledger export`: the whole ledger as text that two runs of the same day have in common."""

import argparse
import sys
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
    async with connected.transaction() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})  # All of one moment.
        scopes = await _scopes(session)
        lines = [line async for line in export.lines(session, scopes, unordered=arguments.unordered)]
    written = "".join(f"{line}\n" for line in lines)
    if arguments.output is None:
        sys.stdout.write(written)
    else:
        arguments.output.write_text(written)
    return 0


async def _scopes(session: AsyncSession) -> dict[UUID, str]:
    """Markets by the code of their zone, communities by name."""
    markets = await session.execute(
        select(Market.id, MarketZone.code).join(MarketZone, MarketZone.id == Market.zone_id)
    )
    communities = await session.execute(select(Community.id, Community.name))
    return {row[0]: row[1] for row in (*markets.all(), *communities.all())}
