"""A statement of January for Bob, Gus and Ada, each with a line."""

from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.authorization.world import World
from tests.factories.statements import a_statement, a_statement_line

AT = datetime(2026, 2, 1, tzinfo=UTC)


async def add_rows(session: AsyncSession, world: World) -> None:
    """Statements and lines."""
    market_id = world.rows["Market"]["north"]
    for name in ("bob's", "gus's", "ada's"):
        user_id = world.rows["User"][name.removesuffix("'s")]
        await world.store(session, "AccountStatement", name, a_statement(user_id, date(2026, 1, 1), AT))
        line = a_statement_line(world.rows["AccountStatement"][name], 1, market_id)
        await world.store(session, "StatementLine", name, line)
