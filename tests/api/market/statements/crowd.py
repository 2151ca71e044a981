"""Statements of the first user, and fifty lines in the first of them."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.market.places.tables import Market
from tests.api.crowd import MANY, START, Crowd, ids, stored
from tests.factories.statements import a_statement, a_statement_line


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Fifty of each."""
    user_id, *_ = await ids(session, User)
    market_id, *_ = await ids(session, Market)
    months = [date(2020 + number // 12, number % 12 + 1, 1) for number in range(MANY)]
    statements = await stored(session, [a_statement(user_id, month, START) for month in months])
    lines = [(statements[0], number + 1) for number in range(MANY)] + [(each, 1) for each in statements[1:]]
    await stored(session, [a_statement_line(statement.id, number, market_id) for statement, number in lines])
