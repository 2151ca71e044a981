"""What clearings left in the database."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import checks

KWH = 1_000_000


async def all_of(session: AsyncSession, table: Any) -> list[Any]:
    query = select(table).order_by(table.id).execution_options(populate_existing=True)
    return list(await session.scalars(query))


async def everything(session: AsyncSession) -> list[Any]:
    """All rows that a clearing writes."""
    rows: list[Any] = []
    for table in ("market", "market_order", "order_interval", "clearing", "trade", "event", "audit_entry"):
        rows += (await session.execute(text(f"SELECT '{table}', t::text FROM {table} AS t ORDER BY 2"))).all()
    return rows


async def breaches(session: AsyncSession) -> list[str]:
    return [breach async for breach in checks()["I1 energy, market"](session)]
