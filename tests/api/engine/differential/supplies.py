"""What random operations ask for: ids, cursors and texts of a database, some of them wrong."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from graphql import GraphQLSchema
from sqlalchemy import select

from api.engine.declarations import ENTITIES, Many, global_id
from api.resources.database import Database
from tests.api.authorization import paths
from tests.api.authorization.paths import Path
from tests.api.crowd import room_file
from tests.api.engine.rooms import READS

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]

ODD_TEXTS = ("", " ", "%", "_", "\\", "100%", "a'b", 'q"q', "\u2028", "é", "e\u0301", "🔌", "x" * 200, "x" * 201)
MALFORMED_IDS = ("", "Order", "Order:", ":", "Order:1", "🔌:x", "Order:00000000-0000-0000-0000-00000000000G")
ODD_CURSORS = ("", "x", "WyJJRCJd", "WyJJRCIsIDFd", "bm90IGpzb24", "WyJOQU1FIiwiYSIsMV0", "é", "e30")
LATEST = 12  # Rows of the world of roles are the last ones; half of all ids are of these.
PAGES_HARVESTED_BELOW = 90  # Parents of each connection at a time, until some hold something.


@dataclass
class Supplies:
    """Ids by entity, cursors by connection and order, and texts that match something."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    cursors: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def id(self, random: Random, entity: str | None = None) -> str:
        """An id of an entity, or of any; one in eight leads nowhere."""
        kind = entity or random.choice(sorted(self.ids))
        key = UUID(int=random.getrandbits(128))
        wrong = random.random()
        if wrong < 0.03:
            return random.choice(MALFORMED_IDS)
        if wrong < 0.06:
            return f"Unknown:{key}"
        if wrong < 0.09:
            return global_id(kind, key)
        found = random.choice(self.ids[kind] if random.random() < 0.5 else self.ids[kind][-LATEST:])
        if wrong < 0.12:
            return f"{random.choice(sorted(self.ids))}:{found.partition(':')[2]}"
        return found

    def cursor(self, random: Random, path: str, order: str | None) -> str:
        """A cursor of a connection in an order; one in twenty is of another list or none."""
        own = self.cursors.get(f"{path} {order}") or self.cursors.get(path)
        wrong = random.random()
        if own and wrong < 0.95:
            return random.choice(own)
        return random.choice(ODD_CURSORS if wrong > 0.98 else self.cursors[random.choice(sorted(self.cursors))])

    def text(self, random: Random, meaning: str) -> str:
        """A value for a condition on a text: mostly one that matches something."""
        if random.random() < 0.2:
            return random.choice(ODD_TEXTS)
        if meaning == "country":
            return random.choice(["IT", "LU", "XX"])
        if meaning == "code":
            return random.choice(self.codes)
        name = random.choice(self.names)
        start = random.randrange(len(name))
        piece = name[start : start + random.randint(1, 4)]
        return piece.upper() if random.random() < 0.3 else piece


async def gathered(database: Database, schema: GraphQLSchema, ask: Ask) -> Supplies:
    """The supplies of a database, its cursors as `ask` answers them to one who sees much."""
    supplies = Supplies()
    async with database.reading() as connection:
        for entity in ENTITIES.values():
            ids = await connection.scalars(select(entity.table.id).order_by(entity.table.id))
            supplies.ids[entity.name] = [global_id(entity.name, id) for id in ids]
        for reads in READS.values():
            for name in reads.names:
                supplies.names += await connection.scalars(select(name).where(name != "").order_by(name.class_.id))
            for code in reads.codes:
                supplies.codes += await connection.scalars(select(code).order_by(code.class_.id))
    for path in paths.paths(schema):
        if isinstance(path.mark, Many):
            orders: list[str | None] = [*paths.orders(schema, path)]
            for order in orders or [None]:
                name = f"{path} {order}" if order else str(path)
                supplies.cursors[name] = await _cursors(ask, supplies, path, order)
                assert supplies.cursors[name], f"no parent of {path} holds anything: {room_file(path.target)}"
    return supplies


async def _cursors(ask: Ask, supplies: Supplies, path: Path, order: str | None) -> list[str]:
    ordered = f", orderBy: {order}" if order else ""
    page = f"page: {path.name}(first: 5{ordered}) {{ edges {{ cursor }} }}"
    if path.parent == "Query":
        holders = [await ask(f"{{ {page} }}", {})]
    elif path.parent in ENTITIES:
        holders = await _holders(ask, supplies.ids[path.parent], f"... on {path.parent} {{ {page} }}")
    else:
        holders = [(await ask(f"{{ viewer {{ {page} }} }}", {}))["viewer"]]
    return [edge["cursor"] for holder in holders if holder for edge in holder["page"]["edges"]]


async def _holders(ask: Ask, ids: list[str], selection: str) -> list[Any]:
    """Parents, some at a time and the last first, until one of them holds something; ids may be chance."""
    document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {selection} }} }}"
    for end in range(len(ids), 0, -PAGES_HARVESTED_BELOW):
        found: list[Any] = (await ask(document, {"ids": ids[max(0, end - PAGES_HARVESTED_BELOW) : end]}))["nodes"]
        if any(holder and holder["page"]["edges"] for holder in found):
            return found
    return []
