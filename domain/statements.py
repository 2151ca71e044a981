"""One statement made of parts that several contexts bring, so that a transaction takes few round trips.

Rows that many transactions want stay locked from the first statement that takes them until COMMIT; the fewer round
trips lie between, the more transactions fit into a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Part:
    """Writing WITH queries of one context, and what the statement tells of them.

    All parts of a statement are carried out, in no certain order and not seeing each other's rows. Names of queries,
    parameters and told columns are the statement's, so each part begins its own with a word of its context.
    """

    queries: str
    values: Mapping[str, Any] = field(repr=False)
    told: str


async def write(session: AsyncSession, *parts: Part) -> Row[Any]:
    """Carry out parts as one statement, after what the session still holds back; gives what they tell."""
    await session.flush()
    values = {name: value for part in parts for name, value in part.values.items()}
    statement = _statement(tuple((part.queries, part.told) for part in parts))
    connection = await session.connection()
    return (await connection.execute(statement, values)).one()


@lru_cache(maxsize=64)
def _statement(parts: tuple[tuple[str, str], ...]) -> TextClause:
    queries, told = (",\n".join(texts) for texts in zip(*parts, strict=True))
    return text(f"WITH {queries}\nSELECT {told}")
