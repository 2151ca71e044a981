"""A member of a community who has a session and a key, and what was sent to the database."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from api.engine.texts import statement_of
from api.resources.authentication import Authentication
from api.resources.database import Database
from domain.communities import sight
from domain.identity.viewers import Viewer

ADDRESS = "192.0.2.1"


@dataclass
class Site:
    """A database with a member of a community who has a session and a key, and what was sent through SQLAlchemy."""

    database: Database
    authenticate: Authentication
    user_id: Any
    tokens: dict[str, str]
    refresh_token: str
    sent: list[str]

    async def change(self, sql: str) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(sql), {"user": self.user_id} if ":user" in sql else {})
        self.sent.clear()

    async def viewer(self, kind: str) -> Viewer:
        return await self.authenticate(self.tokens[kind], ADDRESS)

    async def proven(self, viewer: Viewer) -> bool:
        """As a compiled read proves it: beside what it reads."""
        proof = statement_of(select(sight.stands(viewer.shape)))
        row = await self.database.fetch(proof.text, proof.values({}, {}, viewer))
        return bool(row and row[0])
