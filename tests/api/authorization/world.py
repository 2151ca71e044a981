"""A small world in which everybody who may ask (`people`) and every kind of row exists, in relations that tell them
apart. Here are the people and their tokens; rooms add their rows in `world.py`, lowest room first.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import ENTITIES
from api.resources.database import Database
from domain.identity import keys, sessions
from domain.identity.tables import ApiKey, ApiKeyKind, PlatformRole, Session, User, UserRole
from tests.api import registers
from tests.api.authorization.people import APPLICATIONS, GATEWAYS, PEOPLE, PERSONS
from tests.factories.identity import a_user

LEFT_ON = date(2026, 3, 1)  # Hal leaves, Ivy comes.
HALS_DAY, IVYS_DAY = date(2026, 2, 10), date(2026, 3, 10)
PERIOD = (datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 28, 23, tzinfo=UTC))


@dataclass
class World:
    """The rows by entity and name, and how to sign in."""

    rows: dict[str, dict[str, UUID]] = field(default_factory=dict)
    tokens: dict[str, str | None] = field(default_factory=dict)

    def keep(self, entity: str, name: str, row: Any) -> None:
        """Remember a row, or its id, by a name."""
        self.rows.setdefault(entity, {})[name] = row if isinstance(row, UUID) else row.id

    async def store(self, session: AsyncSession, entity: str, name: str, row: Any) -> None:
        """Write a row, and remember it by a name."""
        session.add(row)
        await session.flush()
        self.keep(entity, name, row)

    def name_of(self, entity: str, id: UUID) -> str:
        """The name of a row; its id where it has none."""
        return next((name for name, key in self.rows.get(entity, {}).items() if key == id), str(id))


async def a_world(database: Database) -> World:
    """Everything, committed."""
    world = World()
    brought = [module for _, module in registers.brought("world")]
    async with database.transaction() as session:
        await _people(session, world)
        for module in brought:
            await module.add_rows(session, world)
        for module in brought:
            if hasattr(module, "name_rows"):
                await module.name_rows(session, world)
        await _others(session, world)
    async with database.transaction() as session:
        await _sign_in(session, world)
    async with database.transaction() as session:
        await _ended(session, world)
    return world


async def _people(session: AsyncSession, world: World) -> None:
    for name in PEOPLE:
        world.keep("User", name, await a_user(session, name=name.title(), email=f"{name}@example.org"))
    session.add(UserRole(user_id=world.rows["User"]["root"], role=PlatformRole.ADMIN))
    await session.flush()


async def _others(session: AsyncSession, world: World) -> None:
    """Rows that were made on the way, of kinds that everybody sees."""
    for entity in ENTITIES.values():
        if entity.name not in {"ApiKey", "Session"}:
            known = set(world.rows.get(entity.name, {}).values())
            for id in await session.scalars(select(entity.table.id)):
                if id not in known:
                    world.keep(entity.name, str(id), id)


async def _sign_in(session: AsyncSession, world: World) -> None:
    users = world.rows["User"]
    world.tokens["nobody"] = None
    for role, name in PERSONS.items():
        world.tokens[role] = (await sessions.open_session(session, users[name])).access_token
        world.keep("Session", role, await newest_session(session))
    for role, (kind, scopes) in APPLICATIONS.items():
        world.tokens[role] = await _key(session, world, users["ada"], role, kind, scopes)
    await _key(session, world, users["bob"], "bob's", *APPLICATIONS["partner that reads"])
    for name in GATEWAYS:
        key = f"{name}'s gateway"
        world.tokens[key] = await _key(session, world, users[name], key, *APPLICATIONS["meter gateway"])


async def _key(
    session: AsyncSession, world: World, owner_id: UUID, name: str, kind: ApiKeyKind, scopes: frozenset[str]
) -> str:
    ends = datetime.now(UTC) + timedelta(days=30)
    key_id, token = await keys.create_key(session, owner_id, kind, name, scopes, ends)
    world.keep("ApiKey", name, key_id)
    return token


async def newest_session(session: AsyncSession) -> UUID:
    return (await session.scalars(select(Session.id).order_by(Session.id.desc()).limit(1))).one()


async def _ended(session: AsyncSession, world: World) -> None:
    """Tokens of Ada, or of one like her, that no longer work."""
    ada_id = world.rows["User"]["ada"]
    gone = await a_user(session, name="Gone", email="gone@example.org")
    world.keep("User", "gone", gone)
    long_ago = datetime.now(UTC) - timedelta(seconds=1)
    for name, change in (
        ("expired session", {"access_expires_at": long_ago}),
        ("revoked session", {"revoked_at": long_ago}),
        ("disabled user", {}),
    ):
        tokens = await sessions.open_session(session, gone.id if name == "disabled user" else ada_id)
        world.tokens[name] = tokens.access_token
        newest = await newest_session(session)
        world.keep("Session", name, newest)
        if change:
            await session.execute(update(Session).where(Session.id == newest).values(**change))
    for name, owner_id, changed in (
        ("expired key", ada_id, {"expires_at": long_ago}),
        ("revoked key", ada_id, {"revoked_at": long_ago}),
        ("key of a disabled user", gone.id, {}),
    ):
        world.tokens[name] = await _key(session, world, owner_id, name, *APPLICATIONS["partner that reads"])
        if changed:
            await session.execute(update(ApiKey).where(ApiKey.id == world.rows["ApiKey"][name]).values(**changed))
    await session.execute(update(User).where(User.id == gone.id).values(disabled_at=long_ago))
