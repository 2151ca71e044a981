"""Read records: one statement per level of a query, whatever the number of parents."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from api.engine.connections import Connection, Edge, Page, PageInfo, beyond, encode_cursor, ordering, sort_columns
from api.engine.declarations import Edge as EdgeMark
from api.engine.declarations import Entity, Many, entity_named
from api.engine.rows import Rows
from domain.identity.viewers import Viewer


class Reading(Protocol):
    """Opens a short read connection."""

    def __call__(self) -> Any: ...


class SharedLoader(DataLoader[Any, Any]):
    """A loader whose readers cannot take an answer from each other.

    graphql-core cancels the fields beside one that failed. Without the shield that would cancel the future itself, and
    with it every other field that waits for the same key.
    """

    def load(self, key: Any) -> Awaitable[Any]:
        return asyncio.shield(super().load(key))


class Loaders:
    """The batched reads of one operation for one viewer."""

    def __init__(self, reading: Reading, viewer: Viewer) -> None:
        self.reading = reading
        self.viewer = viewer
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def loader(self, key: Hashable, load: Callable[[list[Any]], Any]) -> DataLoader[Any, Any]:
        """The loader of a key, made on first use."""
        if key not in self._loaders:
            self._loaders[key] = SharedLoader(load_fn=load)
        return self._loaders[key]

    async def fetch(self, statement: Select[Any]) -> Sequence[Any]:
        """Rows of a statement as mappings."""
        connection: AsyncConnection
        async with self.reading() as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).mappings().all()
        return rows

    async def node(self, type_name: str, id: UUID) -> Any:
        """The entity with this id as the viewer may see it, or None."""
        entity = entity_named(type_name)
        return await self._matching(entity, entity.table.id, None).load(id)

    async def edge(self, edge: EdgeMark, key: Any) -> Any:
        """The entity that an edge leads to, or None."""
        entity = entity_named(edge.target)
        match = entity.table.id if edge.match is None else edge.match
        return None if key is None else await self._matching(entity, match, edge.where).load(key)

    async def heavy(self, entity: Entity, name: str, argument: Any, id: UUID) -> Any:
        """The value of a heavy column of one record."""

        async def load(ids: list[UUID]) -> list[Any]:
            expression = entity.columns[name].seen_by(self.viewer, argument)
            rows = await self.fetch(
                select(entity.table.id.label("id"), expression.label("value")).where(_among(entity.table.id, ids))
            )
            values = {row["id"]: row["value"] for row in rows}
            return [values.get(id) for id in ids]

        return await self.loader(("heavy", entity.name, name, argument), load).load(id)

    async def part(self, entity: Entity, name: str, id: UUID) -> Any:
        """A part of one record, as an object of its type."""
        part = entity.parts[name]

        async def load(ids: list[UUID]) -> list[Any]:
            columns = [column.seen_by(self.viewer).label(attribute) for attribute, column in part.columns.items()]
            rows = await self.fetch(
                select(entity.table.id.label("id__key"), *columns).where(_among(entity.table.id, ids))
            )
            found = {row["id__key"]: part.type(**{name: row[name] for name in part.columns}) for row in rows}
            return [found.get(id) for id in ids]

        return await self.loader(("part", entity.name, name), load).load(id)

    async def page(
        self, many: Many, page: Page, conditions: tuple[Any, ...], filter_key: Hashable, parent: UUID | None
    ) -> Any:
        """One page of a connection below a parent."""

        async def load(parents: list[UUID | None]) -> list[Any]:
            rows = await self.fetch(self._page_statement(many, page, conditions, parents))
            grouped: dict[Any, list[Any]] = {parent: [] for parent in parents}
            for row in rows:
                grouped[row.get("parent__key")].append(row)
            return [self._connection(many, page, grouped[parent], conditions, filter_key, parent) for parent in parents]

        return await self.loader((id(many), "page", page.key, filter_key), load).load(parent)

    def _matching(self, entity: Entity, match: Any, where: Any) -> DataLoader[Any, Any]:
        async def load(keys: list[Any]) -> list[Any]:
            statement = select(*entity.selection(self.viewer), match.label("match__key")).where(
                _among(match, keys), entity.visible(self.viewer), *([where()] if where else [])
            )
            records = {row["match__key"]: entity.record(row) for row in await self.fetch(statement)}
            return [records.get(key) for key in keys]

        return self.loader((entity.name, str(match), where), load)

    def _target(self, many: Many, conditions: tuple[Any, ...], columns: list[Any]) -> tuple[Rows, Select[Any]]:
        entity = entity_named(many.target)
        rows = Rows("target", entity.table, many.source, many.through and many.through.table)
        statement = select(*(rows.of(column) for column in columns)).select_from(rows.base)
        if many.through is not None:
            statement = statement.join(rows.through, rows.of(many.through.joins(entity.table)))
        visible = (many.visible or entity.visible)(self.viewer)
        return rows, statement.where(*(rows.of(condition) for condition in (visible, *conditions)))

    def _page_statement(self, many: Many, page: Page, conditions: tuple[Any, ...], parents: list[Any]) -> Select[Any]:
        entity = entity_named(many.target)
        sort = [column.label(f"sort__{i}") for i, column in enumerate(sort_columns(many, page.order))]
        conditions = (*conditions, *beyond(many, page))
        rows, statement = self._target(many, conditions, [*entity.selection(self.viewer), *sort])
        statement = statement.order_by(*(rows.of(column) for column in ordering(many, page))).limit(page.size + 1)
        if many.on is None:
            return statement
        on = rows.of(many.on)
        if len(parents) == 1:
            return statement.add_columns(on.label("parent__key")).where(on == parents[0])
        given = func.unnest(bindparam("parents", parents, type_=ARRAY(Uuid()))).table_valued("key").render_derived()
        below = statement.where(on == given.c.key).lateral()
        return select(given.c.key.label("parent__key"), *below.c).select_from(given).join(below, true())

    def _connection(
        self, many: Many, page: Page, rows: list[Any], conditions: tuple[Any, ...], filter_key: Hashable, parent: Any
    ) -> Any:
        entity = entity_named(many.target)
        has_more = len(rows) > page.size
        shown = rows[: page.size]
        if page.is_backward:
            shown.reverse()
        edges = [Edge(cursor=_cursor(page, row), node=entity.record(row)) for row in shown]
        return Connection(
            edges=edges,
            page_info=PageInfo(
                has_next_page=page.bound is not None if page.is_backward else has_more,
                has_previous_page=has_more if page.is_backward else page.bound is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
            counter=lambda: self.count(many, conditions, filter_key, parent),
        )

    async def count(self, many: Many, conditions: tuple[Any, ...], filter_key: Hashable, parent: UUID | None) -> int:
        """How many rows a connection holds below a parent."""

        async def load(parents: list[Any]) -> list[int]:
            if many.on is None:
                _, statement = self._target(many, conditions, [func.count().label("count")])
                return [(await self.fetch(statement))[0]["count"]] * len(parents)
            columns = [many.on.label("key"), func.count().label("count")]
            rows, statement = self._target(many, conditions, columns)
            on = rows.of(many.on)
            found = await self.fetch(statement.where(_among(on, parents)).group_by(on))
            counts = {row["key"]: row["count"] for row in found}
            return [counts.get(parent, 0) for parent in parents]

        result: int = await self.loader((id(many), "count", filter_key), load).load(parent)
        return result


def _among(column: Any, values: list[Any]) -> Any:
    return column == func.any(bindparam(None, values, type_=ARRAY(column.type), unique=True))


def _cursor(page: Page, row: Any) -> str:
    """The last sort column is the id; the one before it, if any, the value that a list is ordered by."""
    if page.order.by is None:
        return encode_cursor(page.order_name, row["sort__0"])
    return encode_cursor(page.order_name, row["sort__1"], row["sort__0"])
