"""A crowd: at least fifty rows of every kind, fifty below one parent of each kind that has lists.

Rooms add their rows in `crowd.py`, lowest room first. The first row of a kind is the parent with many children.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import ENTITIES
from api.resources.database import Database
from domain.communities.tables import Member
from domain.identity.tables import PlatformRole, User
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from tests.api import registers

MANY = 50
START = datetime(2026, 1, 1, tzinfo=UTC)
Row = TypeVar("Row")


@dataclass
class Crowd:
    """Keys of all rows by entity, and the parents with many children where those are not the first of their kind.

    The owner sees many in every list: an administrator of the platform, to whom members, orders and keys belong.
    """

    rows: dict[str, list[UUID]] = field(default_factory=dict)
    parents: dict[str, UUID] = field(default_factory=dict)
    owner: Viewer = field(default_factory=Viewer)

    def parent(self, entity: str) -> UUID:
        """The row of a kind with many children."""
        assert self.rows[entity], f"the crowd has no {entity}: {room_file(entity)}"
        return self.parents.get(entity, self.rows[entity][0])


async def a_crowd(database: Database) -> Crowd:
    """Everything, committed; the owner of the tables alone may add frameworks."""
    crowd = Crowd()
    async with database.transaction() as session:
        for _, module in registers.brought("crowd"):
            await module.join(session, crowd)
        user_id, *_ = await ids(session, User)
        member_ids = await session.scalars(select(Member.id).where(Member.user_id == user_id))
        crowd.owner = Viewer(
            user_id=user_id, roles=frozenset({PlatformRole.ADMIN}), member_ids=frozenset(member_ids.all())
        )
        for entity in ENTITIES.values():
            crowd.rows[entity.name] = await ids(session, entity.table)
    return crowd


def room_file(entity: str | None) -> str:
    """Where rows of a kind are to be added."""
    assert entity is not None
    return registers.file_of(registers.room_of(ENTITIES[entity].type), "crowd")


async def stored(session: AsyncSession, rows: Iterable[Row]) -> Sequence[Row]:
    """Rows with ids that ascend in their order."""
    made = list(rows)
    for row in made:
        row.id = new_id()  # type: ignore[attr-defined]
    session.add_all(made)
    await session.flush()
    return made


async def ids(session: AsyncSession, table: Any) -> list[UUID]:
    """The keys of all rows of a table, the first one first."""
    return list(await session.scalars(select(table.id).order_by(table.id)))
